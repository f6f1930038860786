//! What there is to choose from.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::inference::runtime::Device;

/// The most sessions of a model: each has its own copy of the weights.
const MAX_INSTANCES: usize = 32;

/// Layouts that are tried: those with the fewest threads, for what threads of one run share they wait for.
const MAX_LAYOUTS: usize = 3;

/// Sessions, and cores that a run of one of them uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Layout {
    /// Sessions, each with a worker thread of its own.
    pub instances: usize,
    /// Cores that one run uses.
    pub intra_op_threads: usize,
}

/// How a model is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration {
    /// Sessions, and cores that a run of one of them uses.
    pub layout: Layout,
    /// The most images of one run.
    pub max_batch: usize,
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout { instances, intra_op_threads } = self.layout;
        write!(f, "{instances}x{intra_op_threads} batch {}", self.max_batch)
    }
}

/// What settings and sidecar say; the rest is open. Each at least 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Given {
    /// Sessions.
    pub instances: Option<usize>,
    /// Cores that one run uses.
    pub intra_op_threads: Option<usize>,
    /// The most images of one run.
    pub max_batch: Option<usize>,
}

impl Given {
    /// The device's default for what is not given. On a CPU one thread for each session and a session for each
    /// core, up to eight: many small runs side by side waste no time on waiting for each other. On a GPU one
    /// session and large batches.
    pub fn or_default(self, device: Device, cores: usize) -> Configuration {
        let Self { instances, intra_op_threads, max_batch } = self;
        let (layout, max_batch) = match device {
            Device::Cpu => {
                let instances =
                    instances.unwrap_or((cores / intra_op_threads.unwrap_or(1)).clamp(1, 8));
                let intra_op_threads = intra_op_threads.unwrap_or((cores / instances).max(1));
                (Layout { instances, intra_op_threads }, max_batch.unwrap_or(8))
            }
            Device::Cuda(_) => {
                let (instances, intra_op_threads) =
                    (instances.unwrap_or(1), intra_op_threads.unwrap_or(1));
                (Layout { instances, intra_op_threads }, max_batch.unwrap_or(64))
            }
        };
        Configuration { layout, max_batch }
    }
}

/// Everything that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Space {
    /// Sessions x threads.
    pub layouts: Vec<Layout>,
    /// Images of one run, ascending.
    pub batches: Vec<usize>,
}

impl Space {
    /// The layouts that keep all cores busy without more threads than cores, and batches that double.
    pub fn new(device: Device, cores: usize, given: Given) -> Self {
        let layouts = match device {
            Device::Cpu => on_cpu(cores.max(1), given),
            Device::Cuda(_) => {
                let intra_op_threads = given.intra_op_threads.unwrap_or(1);
                let counts = given.instances.map_or(vec![1, 2], |instances| vec![instances]);
                counts.into_iter().map(|instances| Layout { instances, intra_op_threads }).collect()
            }
        };
        let largest = match device {
            Device::Cpu => 64,
            Device::Cuda(_) => 128,
        };
        let batches = given.max_batch.map_or_else(|| powers_of_two(largest), |batch| vec![batch]);
        Self { layouts, batches }
    }

    /// The only choice, where there is no other.
    pub fn only(&self) -> Option<Configuration> {
        match (&self.layouts[..], &self.batches[..]) {
            (&[layout], &[max_batch]) => Some(Configuration { layout, max_batch }),
            _ => None,
        }
    }

    /// Whether it may be chosen.
    pub fn contains(&self, Configuration { layout, max_batch }: Configuration) -> bool {
        self.layouts.contains(&layout) && self.batches.contains(&max_batch)
    }
}

fn on_cpu(cores: usize, given: Given) -> Vec<Layout> {
    let layouts: Vec<Layout> = match (given.instances, given.intra_op_threads) {
        (Some(instances), Some(intra_op_threads)) => vec![Layout { instances, intra_op_threads }],
        (None, Some(intra_op_threads)) => {
            let instances = (cores / intra_op_threads).clamp(1, MAX_INSTANCES);
            vec![Layout { instances, intra_op_threads }]
        }
        (Some(instances), None) => {
            let intra_op_threads = powers_of_two((cores / instances).max(1)).into_iter().rev();
            intra_op_threads
                .map(|intra_op_threads| Layout { instances, intra_op_threads })
                .collect()
        }
        (None, None) => powers_of_two(cores)
            .into_iter()
            .map(|intra_op_threads| Layout {
                instances: cores / intra_op_threads,
                intra_op_threads,
            })
            .filter(|layout| layout.instances <= MAX_INSTANCES)
            .collect(),
    };
    layouts.into_iter().take(MAX_LAYOUTS).collect()
}

/// 1, 2, 4 and so on up to `most`.
fn powers_of_two(most: usize) -> Vec<usize> {
    std::iter::successors(Some(1_usize), |n| n.checked_mul(2)).take_while(|&n| n <= most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layouts(
        cores: usize,
        instances: Option<usize>,
        intra_op_threads: Option<usize>,
    ) -> Vec<String> {
        let given = Given { instances, intra_op_threads, max_batch: None };
        let space = Space::new(Device::Cpu, cores, given);
        space.layouts.iter().map(|l| format!("{}x{}", l.instances, l.intra_op_threads)).collect()
    }

    #[test]
    fn layouts_fill_the_cores_and_never_more() {
        assert_eq!(layouts(1, None, None), ["1x1"]);
        assert_eq!(layouts(2, None, None), ["2x1", "1x2"]);
        assert_eq!(layouts(6, None, None), ["6x1", "3x2", "1x4"]);
        assert_eq!(layouts(64, None, None), ["32x2", "16x4", "8x8"]);
    }

    #[test]
    fn what_is_given_is_not_open() {
        assert_eq!(layouts(8, Some(2), None), ["2x4", "2x2", "2x1"]);
        assert_eq!(layouts(2, Some(4), None), ["4x1"]);
        assert_eq!(layouts(8, None, Some(4)), ["2x4"]);
        assert_eq!(layouts(2, Some(5), Some(7)), ["5x7"]);
        let given = Given { max_batch: Some(3), ..Given::default() };
        let space = Space::new(Device::Cpu, 1, given);
        let only =
            Configuration { layout: Layout { instances: 1, intra_op_threads: 1 }, max_batch: 3 };
        assert_eq!(space.only(), Some(only));
        assert!(space.contains(only));
        assert_eq!(Space::new(Device::Cpu, 2, given).only(), None);
    }

    #[test]
    fn defaults_are_by_device() {
        let shown = |given: Given, device| given.or_default(device, 4).to_string();
        assert_eq!(shown(Given::default(), Device::Cpu), "4x1 batch 8");
        assert_eq!(shown(Given::default(), Device::Cuda(0)), "1x1 batch 64");
        let given = Given { instances: Some(2), intra_op_threads: None, max_batch: Some(3) };
        assert_eq!(shown(given, Device::Cpu), "2x2 batch 3");
    }
}

//! The search space: layouts and batch sizes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::inference::runtime::Device;

/// Maximum number of sessions of a model, because each session has its own copy of the weights.
const MAX_INSTANCES: usize = 32;

/// Maximum number of layouts that are tried. Layouts with few threads come first, because the threads of one inference call
/// wait for each other.
const MAX_LAYOUTS: usize = 3;

/// A number of sessions and the number of cores that each of them uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Layout {
    /// Number of sessions, each with a worker thread of its own.
    pub instances: usize,
    /// Number of cores that one inference call uses.
    pub intra_op_threads: usize,
}

/// The configuration of a served model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration {
    /// Number of sessions and cores per session.
    pub layout: Layout,
    /// Maximum number of images per inference call.
    pub max_batch: usize,
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout {
            instances,
            intra_op_threads,
        } = self.layout;
        write!(f, "{instances}x{intra_op_threads} batch {}", self.max_batch)
    }
}

/// Values that the settings or `mien.toml` fix; the others are tuned. Each value is at least 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Overrides {
    /// Number of sessions.
    pub instances: Option<usize>,
    /// Number of cores that one inference call uses.
    pub intra_op_threads: Option<usize>,
    /// Maximum number of images per inference call.
    pub max_batch: Option<usize>,
}

impl Overrides {
    /// Fills the values that are not fixed with the defaults of the device. On a CPU that is one thread per session and one
    /// session per core, up to eight, because concurrent single-threaded calls do not wait for each other. On a GPU that is
    /// one session with large batches.
    pub fn or_default(self, device: Device, cores: usize) -> Configuration {
        let Self {
            instances,
            intra_op_threads,
            max_batch,
        } = self;
        let (layout, max_batch) = match device {
            Device::Cpu => {
                let instances =
                    instances.unwrap_or((cores / intra_op_threads.unwrap_or(1)).clamp(1, 8));
                let intra_op_threads = intra_op_threads.unwrap_or((cores / instances).max(1));
                (
                    Layout {
                        instances,
                        intra_op_threads,
                    },
                    max_batch.unwrap_or(8),
                )
            }
            Device::Cuda(_) => {
                let (instances, intra_op_threads) =
                    (instances.unwrap_or(1), intra_op_threads.unwrap_or(1));
                (
                    Layout {
                        instances,
                        intra_op_threads,
                    },
                    max_batch.unwrap_or(64),
                )
            }
        };
        Configuration { layout, max_batch }
    }
}

/// The layouts and batch sizes that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Space {
    /// Numbers of sessions and threads.
    pub layouts: Vec<Layout>,
    /// Batch sizes in ascending order.
    pub batches: Vec<usize>,
}

impl Space {
    /// Lists the layouts that use all cores without more threads than cores, and powers of two as batch sizes.
    pub fn new(device: Device, cores: usize, given: Overrides) -> Self {
        let layouts = match device {
            Device::Cpu => on_cpu(cores.max(1), given),
            Device::Cuda(_) => {
                let intra_op_threads = given.intra_op_threads.unwrap_or(1);
                let counts = given
                    .instances
                    .map_or(vec![1, 2], |instances| vec![instances]);
                counts
                    .into_iter()
                    .map(|instances| Layout {
                        instances,
                        intra_op_threads,
                    })
                    .collect()
            }
        };
        let largest = match device {
            Device::Cpu => 64,
            Device::Cuda(_) => 128,
        };
        let batches = given
            .max_batch
            .map_or_else(|| powers_of_two(largest), |batch| vec![batch]);
        Self { layouts, batches }
    }

    /// Returns the configuration if there is only one.
    pub fn single_configuration(&self) -> Option<Configuration> {
        match (&self.layouts[..], &self.batches[..]) {
            (&[layout], &[max_batch]) => Some(Configuration { layout, max_batch }),
            _ => None,
        }
    }

    /// Returns whether the configuration is part of the space.
    pub fn contains(&self, Configuration { layout, max_batch }: Configuration) -> bool {
        self.layouts.contains(&layout) && self.batches.contains(&max_batch)
    }
}

fn on_cpu(cores: usize, given: Overrides) -> Vec<Layout> {
    let layouts: Vec<Layout> = match (given.instances, given.intra_op_threads) {
        (Some(instances), Some(intra_op_threads)) => vec![Layout {
            instances,
            intra_op_threads,
        }],
        (None, Some(intra_op_threads)) => {
            let instances = (cores / intra_op_threads).clamp(1, MAX_INSTANCES);
            vec![Layout {
                instances,
                intra_op_threads,
            }]
        }
        (Some(instances), None) => {
            let intra_op_threads = powers_of_two((cores / instances).max(1)).into_iter().rev();
            intra_op_threads
                .map(|intra_op_threads| Layout {
                    instances,
                    intra_op_threads,
                })
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

/// Returns 1, 2, 4 and so on up to `max`.
fn powers_of_two(max: usize) -> Vec<usize> {
    std::iter::successors(Some(1_usize), |n| n.checked_mul(2))
        .take_while(|&n| n <= max)
        .collect()
}

#[cfg(test)]
mod tests;

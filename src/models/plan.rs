//! How a model is served: sessions, cores and batch size.

use std::time::Duration;

use super::manifest::Sidecar;
use crate::{batching::BatchOptions, inference::runtime::Device};

/// How models are served where their sidecar says nothing else. `None` is chosen by the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServingOptions {
    /// The queue, and the batch where it is given.
    pub queue_images: usize,
    /// The most images of one run.
    pub max_batch: Option<usize>,
    /// How long a worker waits for a batch to fill up.
    pub max_delay: Duration,
    /// Sessions of each model.
    pub instances: Option<usize>,
    /// Cores that one run uses.
    pub threads: Option<usize>,
}

/// Instances, threads and batch size: the sidecar's, else the settings', else by the device. On a CPU
/// one thread for each session and a session for each core, up to eight: many small runs side by side
/// waste no time on waiting for each other. On a GPU one session and large batches.
pub fn plan(device: Device, options: ServingOptions, sidecar: &Sidecar) -> BatchOptions {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let instances = sidecar.instances.or(options.instances);
    let threads = sidecar.threads.or(options.threads);
    let max_batch = sidecar.max_batch.or(options.max_batch);
    let (instances, threads, max_batch) = match device {
        Device::Cpu => {
            let instances = instances.unwrap_or((cores / threads.unwrap_or(1)).clamp(1, 8));
            (instances, threads.unwrap_or((cores / instances).max(1)), max_batch.unwrap_or(8))
        }
        Device::Cuda(_) => (instances.unwrap_or(1), threads.unwrap_or(1), max_batch.unwrap_or(64)),
    };
    let ServingOptions { queue_images, max_delay, .. } = options;
    BatchOptions { queue_images, max_batch, max_delay, instances, threads }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sidecar_overrides_the_settings() {
        let options = ServingOptions {
            queue_images: 64,
            max_batch: Some(16),
            max_delay: Duration::ZERO,
            instances: None,
            threads: None,
        };
        let sidecar: Sidecar = "instances = 3\nthreads = 2\nmax_batch = 4".parse().unwrap();
        let plan = |device, sidecar: &Sidecar| {
            let batch = plan(device, options, sidecar);
            (batch.instances, batch.threads, batch.max_batch, batch.queue_images)
        };
        assert_eq!(plan(Device::Cpu, &sidecar), (3, 2, 4, 64));
        assert_eq!(plan(Device::Cuda(0), &Sidecar::default()), (1, 1, 16, 64));
        let (instances, threads, ..) = plan(Device::Cpu, &Sidecar::default());
        assert!(instances >= 1 && threads >= 1);
    }
}

//! Data-parallel training on a CPU: every thread has its own micro-batches, gradients and running statistics.
//!
//! By default libtorch splits each operation over its threads. With small feature maps the threads then wait at a barrier
//! a thousand times per step, and the maps of a whole batch do not stay in the caches between two operations. Here each
//! thread runs whole micro-batches. Batch norm normalises each micro-batch: ghost batch normalisation (Hoffer, Hubara,
//! Soudry 2017, "Train longer, generalize better", section 4).

use std::thread;

use tch::{TchError, no_grad};

use super::{network::Statistics, weights::Weights};

/// Copies of the weights for the additional threads. They share the memory of trainable parameters, but have their own
/// gradients and running statistics.
#[derive(Debug)]
pub struct Replicas {
    others: Vec<Weights>,
}

impl Replicas {
    /// Creates `threads - 1` replicas. One thread uses the weights themselves.
    pub fn new(weights: &Weights, threads: usize) -> Self {
        Self {
            others: (1..threads).map(|_| weights.replica()).collect(),
        }
    }

    /// Returns the number of parallel threads.
    pub fn threads(&self) -> u32 {
        u32::try_from(self.others.len() + 1).expect("there are few threads")
    }

    /// Runs `job` on every part. Parts are assigned to threads in a fixed order. Afterwards `weights` have the sum of the
    /// gradients and, with [`Statistics::Update`], the mean of the running statistics. Results are bit-identical for equal
    /// parts and numbers of threads.
    ///
    /// # Errors
    /// Returns the first error of a job, or an error of libtorch.
    pub fn run<P, R, E, F>(
        &mut self,
        weights: &mut Weights,
        parts: Vec<P>,
        statistics: Statistics,
        job: F,
    ) -> Result<Vec<R>, E>
    where
        P: Send,
        R: Send,
        E: Send + From<TchError>,
        F: Fn(&Weights, P) -> Result<R, E> + Sync,
    {
        if self.others.is_empty() {
            return parts.into_iter().map(|part| job(weights, part)).collect();
        }
        // Threads without a part are excluded, because their unchanged statistics would distort the mean.
        let threads = (self.others.len() + 1).min(parts.len());
        let mut shares: Vec<Vec<P>> = (0..threads).map(|_| Vec::new()).collect();
        for (index, part) in parts.into_iter().enumerate() {
            shares[index % threads].push(part);
        }
        let job = &job;
        let done: Vec<Result<Vec<R>, E>> = thread::scope(|scope| {
            let all = std::iter::once(&mut *weights).chain(&mut self.others);
            let workers: Vec<_> = all
                .zip(shares)
                .map(|(weights, share)| {
                    scope.spawn(move || {
                        tch::set_num_threads(1);
                        share.into_iter().map(|part| job(weights, part)).collect()
                    })
                })
                .collect();
            workers.into_iter().map(join).collect()
        });
        let results = done.into_iter().collect::<Result<Vec<_>, E>>()?;
        let busy = threads.saturating_sub(1);
        self.gather_gradients(weights, busy)?;
        if statistics == Statistics::Update {
            self.gather_statistics(weights, busy)?;
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// Adds the gradients of the first `busy` replicas to those of the weights, and clears the replicas' gradients.
    fn gather_gradients(&self, weights: &Weights, busy: usize) -> Result<(), TchError> {
        no_grad(|| {
            for other in &self.others[..busy] {
                for ((parameter, own), (_, theirs)) in weights.iter().zip(other.iter()) {
                    if parameter.role.is_trainable() {
                        let mut gradient = theirs.grad();
                        let _ = own.grad().f_add_(&gradient)?;
                        let _ = gradient.f_zero_()?;
                    }
                }
            }
            Ok(())
        })
    }

    /// Averages the running statistics of the weights and of the first `busy` replicas, and copies the mean to all.
    fn gather_statistics(&self, weights: &Weights, busy: usize) -> Result<(), TchError> {
        let share = 1.0 / (busy + 1) as f64;
        no_grad(|| {
            for (index, (parameter, own)) in weights.iter().enumerate() {
                if parameter.role.is_trainable() {
                    continue;
                }
                let mut own = own.shallow_clone();
                for other in &self.others[..busy] {
                    let _ = own.f_add_(other.at(index))?;
                }
                let _ = own.f_mul_scalar_(share)?;
                for other in &self.others {
                    other.at(index).shallow_clone().f_copy_(&own)?;
                }
            }
            Ok(())
        })
    }
}

/// Returns the result of a worker, or continues its panic in this thread.
fn join<T>(worker: thread::ScopedJoinHandle<'_, T>) -> T {
    worker
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;
    use crate::{
        arch::catalog,
        torch::{
            masks::Masks,
            network::{Mode, Network, Statistics},
        },
    };

    const TRAIN: Mode = Mode::Train {
        masks: Masks::Shared,
        statistics: Statistics::Update,
    };

    /// Returns gradients and statistics after one step on four parts of two faces.
    fn step(threads: usize) -> Vec<(String, Tensor)> {
        step_of(threads, 4)
    }

    /// Returns gradients and statistics after one step on the first `count` parts.
    fn step_of(threads: usize, count: usize) -> Vec<(String, Tensor)> {
        let graph = catalog::build("resnet-8-v1").unwrap();
        let mut weights = Weights::random(&graph, 1, Device::Cpu).unwrap().trainable();
        let network = Network::new(graph, Kind::Float).unwrap();
        let faces = Tensor::arange(8 * 24 * 24, (Kind::Float, Device::Cpu)).remainder(251.0);
        let mut parts = faces.view([8, 1, 24, 24]).split(2, 0);
        parts.truncate(count);
        let job = |weights: &Weights, part: Tensor| {
            let logits = network.forward(weights, &part, TRAIN)?;
            logits.f_square()?.f_mean(Kind::Float)?.f_backward()
        };
        let mut replicas = Replicas::new(&weights, threads);
        replicas
            .run::<_, _, TchError, _>(&mut weights, parts, Statistics::Update, job)
            .unwrap();
        let read = |(p, t): (&crate::arch::parameter::Parameter, &Tensor)| {
            let tensor = if p.role.is_trainable() {
                t.grad()
            } else {
                t.detach()
            };
            (p.name.clone(), tensor.copy())
        };
        weights.iter().map(read).collect()
    }

    #[test]
    fn threads_sum_gradients_and_are_bit_reproducible() {
        let (alone, pair, again) = (step(1), step(2), step(2));
        for (((name, one), (_, two)), (_, repeated)) in alone.iter().zip(&pair).zip(&again) {
            assert_eq!(two, repeated, "{name}");
            // Running statistics depend on the order of the parts; gradients do not.
            if !name.ends_with("mean") && !name.ends_with("variance") {
                assert!(one.allclose(two, 1e-4, 1e-5, false), "{name}");
            }
        }
    }

    #[test]
    fn statistics_are_mean_over_threads() {
        // Each of two threads processed two of the four parts, so the mean has moved as far as two steps move it.
        let (pair, alone) = (step(2), step(1));
        let of = |step: &[(String, Tensor)]| {
            let (_, mean) = step
                .iter()
                .find(|(name, _)| name == "stem.bn.variance")
                .unwrap();
            mean.mean(Kind::Float).double_value(&[])
        };
        assert!(of(&pair) != of(&alone));
        let (two_steps, four_steps) = (0.99f64.powi(2), 0.99f64.powi(4));
        let moved = (1.0 - of(&pair)) / (1.0 - of(&alone));
        let expected = (1.0 - two_steps) / (1.0 - four_steps);
        assert!(
            (moved / expected - 1.0).abs() < 0.05,
            "{moved} against {expected}"
        );
    }

    #[test]
    fn idle_threads_do_not_change_results() {
        for ((name, expected), (_, found)) in step_of(2, 2).iter().zip(&step_of(4, 2)) {
            assert_eq!(found, expected, "{name}");
        }
    }
}

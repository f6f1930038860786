//! The values of a network's parameters as tensors, found by name.

use std::collections::HashMap;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use rand_distr::StandardNormal;
use tch::{Device, Kind, TchError, Tensor, no_grad};

use crate::arch::{
    graph::Graph,
    parameter::{self, Parameter, Role},
    shape::ShapeError,
};

/// Why weights do not fit a network.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The network itself does not fit together.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// libtorch refused.
    #[error(transparent)]
    Torch(#[from] TchError),
    /// A parameter of the network is not among the given tensors.
    #[error("parameter `{0}` is missing; was the file written for another architecture?")]
    Missing(String),
    /// A tensor of another shape.
    #[error("parameter `{name}` has shape {found:?}, the network wants {expected:?}")]
    Misfit {
        /// The parameter.
        name: String,
        /// What the network wants.
        expected: Vec<usize>,
        /// What the file holds.
        found: Vec<i64>,
    },
}

/// One tensor a parameter, in the order of [`parameter::list`]. Kernels lie channels-last in memory.
#[derive(Debug)]
pub struct Weights {
    entries: Vec<(Parameter, Tensor)>,
    index: HashMap<String, usize>,
}

impl Weights {
    /// Fresh weights: He-normal kernels (He et al. 2015, section 2.2), zero biases, unit batch-norms.
    ///
    /// # Errors
    /// Where the graph does not fit together or libtorch has no memory.
    pub fn random(graph: &Graph, seed: u64, device: Device) -> Result<Self, WeightsError> {
        // Not libtorch's generator: every thread of the process shares that one.
        let mut rng = StdRng::seed_from_u64(seed);
        let entries = parameter::list(graph)?.into_iter().map(|p| {
            let size = size(&p);
            let options = (Kind::Float, Device::Cpu);
            let values = match p.role {
                Role::ConvWeight | Role::LinearWeight => {
                    let deviation = (2.0 / p.fan_in() as f32).sqrt();
                    let normal = (&mut rng).sample_iter::<f32, _>(StandardNormal);
                    let drawn: Vec<f32> = normal.take(p.len()).map(|z| z * deviation).collect();
                    Tensor::from_slice(&drawn).f_view(&size[..])?
                }
                Role::Bias | Role::Beta | Role::Mean => Tensor::f_zeros(&size, options)?,
                Role::Gamma | Role::Variance => Tensor::f_ones(&size, options)?,
            };
            let values = lay_out(&values.f_to_device(device)?)?;
            Ok((p, values))
        });
        Ok(Self::from_entries(entries.collect::<Result<_, WeightsError>>()?))
    }

    /// Weights from named tensors, such as a checkpoint's; names beyond the network's are left alone.
    ///
    /// # Errors
    /// Where one is missing or of another shape.
    pub fn from_named(
        graph: &Graph,
        named: &HashMap<String, Tensor>,
        device: Device,
    ) -> Result<Self, WeightsError> {
        let entries = parameter::list(graph)?.into_iter().map(|p| {
            let values = named.get(&p.name).ok_or_else(|| WeightsError::Missing(p.name.clone()))?;
            if values.size() != size(&p) {
                return Err(WeightsError::Misfit {
                    name: p.name,
                    expected: p.shape,
                    found: values.size(),
                });
            }
            let values = lay_out(&values.f_to_device(device)?.f_to_kind(Kind::Float)?)?;
            Ok((p, values))
        });
        Ok(Self::from_entries(entries.collect::<Result<_, WeightsError>>()?))
    }

    /// A detached copy.
    pub fn duplicate(&self) -> Self {
        no_grad(|| {
            Self::from_entries(
                self.entries.iter().map(|(p, t)| (p.clone(), t.detach().copy())).collect(),
            )
        })
    }

    /// Sets whole parameters to zero; names that the network does not have are left alone.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn zero(&self, names: &[String]) -> Result<(), TchError> {
        no_grad(|| {
            for index in names.iter().filter_map(|name| self.index.get(name)) {
                let _ = self.entries[*index].1.shallow_clone().f_zero_()?;
            }
            Ok(())
        })
    }

    /// The same memory for what is trained, but with gradients of its own, and a copy of the running statistics.
    pub(super) fn replica(&self) -> Self {
        let alias = |(p, t): &(Parameter, Tensor)| {
            let tensor = t.detach();
            let trained = p.role.is_trainable();
            (p.clone(), if trained { tensor } else { no_grad(|| tensor.copy()) })
        };
        Self::from_entries(self.entries.iter().map(alias).collect()).trainable()
    }

    /// Marks what the optimiser may change, so that gradients are kept for it.
    #[must_use]
    pub fn trainable(mut self) -> Self {
        for (parameter, tensor) in &mut self.entries {
            *tensor = tensor.set_requires_grad(parameter.role.is_trainable());
        }
        self
    }

    /// Every parameter with its tensor.
    pub fn iter(&self) -> impl Iterator<Item = (&Parameter, &Tensor)> {
        self.entries.iter().map(|(p, t)| (p, t))
    }

    /// The tensor at a place in the order of [`Self::iter`].
    pub(super) fn at(&self, index: usize) -> &Tensor {
        &self.entries[index].1
    }

    /// The tensor of a node's parameter.
    pub(crate) fn get(&self, node: &str, role: Role) -> &Tensor {
        let index = self.index.get(&parameter::name(node, role));
        &self.entries[*index.expect("weights are made from the graph that reads them")].1
    }

    fn from_entries(entries: Vec<(Parameter, Tensor)>) -> Self {
        let index = entries.iter().enumerate().map(|(i, (p, _))| (p.name.clone(), i)).collect();
        Self { entries, index }
    }
}

fn size(parameter: &Parameter) -> Vec<i64> {
    parameter.shape.iter().map(|&n| n as i64).collect()
}

/// Kernels channels-last, everything else as it is. libtorch's convolutions follow the kernel's layout.
fn lay_out(values: &Tensor) -> Result<Tensor, TchError> {
    no_grad(|| match values.dim() {
        4 => channels_last(values),
        _ => values.f_contiguous(),
    })
}

/// The same `[N, C, H, W]` tensor with its channels next to each other in memory.
///
/// # Errors
/// Where libtorch has no memory.
pub(crate) fn channels_last(x: &Tensor) -> Result<Tensor, TchError> {
    x.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
}

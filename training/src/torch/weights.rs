//! The values of a network's parameters as tensors, by name.

use std::collections::HashMap;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use rand_distr::StandardNormal;
use tch::{Device, Kind, TchError, Tensor, no_grad};

use crate::arch::{
    graph::Graph,
    parameter::{self, Parameter, Role},
    shape::ShapeError,
};

/// Why weights do not match a network.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The network's shapes are inconsistent.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// libtorch failed.
    #[error(transparent)]
    Torch(#[from] TchError),
    /// A parameter of the network is not among the given tensors.
    #[error("parameter `{0}` is missing; was the file written for another architecture?")]
    Missing(String),
    /// A tensor has another shape.
    #[error(
        "parameter `{name}` has shape {found:?}, but the network needs {expected:?}; was the file written for another architecture?"
    )]
    Misfit {
        /// The parameter.
        name: String,
        /// Shape in the network.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<i64>,
    },
}

/// One tensor per parameter, in the order of [`parameter::list`]. Convolution kernels are channels-last in memory.
#[derive(Debug)]
pub struct Weights {
    entries: Vec<(Parameter, Tensor)>,
    index: HashMap<String, usize>,
}

impl Weights {
    /// Returns random weights: He-normal kernels (He et al. 2015, section 2.2), zero biases, identity batch norms.
    ///
    /// # Errors
    /// Returns an error if the shapes of the graph are inconsistent, or memory is exhausted.
    pub fn random(graph: &Graph, seed: u64, device: Device) -> Result<Self, WeightsError> {
        // libtorch's generator is not used, because all threads of the process share it.
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
        Ok(Self::from_entries(
            entries.collect::<Result<_, WeightsError>>()?,
        ))
    }

    /// Returns weights from named tensors, such as those of a checkpoint. Additional names are ignored.
    ///
    /// # Errors
    /// Returns an error if a parameter is missing or has another shape.
    pub fn from_named(
        graph: &Graph,
        named: &HashMap<String, Tensor>,
        device: Device,
    ) -> Result<Self, WeightsError> {
        let entries = parameter::list(graph)?.into_iter().map(|p| {
            let values = named
                .get(&p.name)
                .ok_or_else(|| WeightsError::Missing(p.name.clone()))?;
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
        Ok(Self::from_entries(
            entries.collect::<Result<_, WeightsError>>()?,
        ))
    }

    /// Returns a detached copy.
    pub fn duplicate(&self) -> Self {
        no_grad(|| {
            Self::from_entries(
                self.entries
                    .iter()
                    .map(|(p, t)| (p.clone(), t.detach().copy()))
                    .collect(),
            )
        })
    }

    /// Sets whole parameters to zero. Unknown names are ignored.
    ///
    /// # Errors
    /// Returns an error of libtorch.
    pub fn zero(&self, names: &[String]) -> Result<(), TchError> {
        no_grad(|| {
            for index in names.iter().filter_map(|name| self.index.get(name)) {
                let _ = self.entries[*index].1.shallow_clone().f_zero_()?;
            }
            Ok(())
        })
    }

    /// Returns weights that share the memory of trainable parameters, with their own gradients and a copy of the running
    /// statistics.
    pub(super) fn replica(&self) -> Self {
        let alias = |(p, t): &(Parameter, Tensor)| {
            let tensor = t.detach();
            let trained = p.role.is_trainable();
            (
                p.clone(),
                if trained {
                    tensor
                } else {
                    no_grad(|| tensor.copy())
                },
            )
        };
        Self::from_entries(self.entries.iter().map(alias).collect()).trainable()
    }

    /// Marks trainable parameters, so that libtorch computes their gradients.
    #[must_use]
    pub fn trainable(mut self) -> Self {
        for (parameter, tensor) in &mut self.entries {
            *tensor = tensor.set_requires_grad(parameter.role.is_trainable());
        }
        self
    }

    /// Returns every parameter with its tensor.
    pub fn iter(&self) -> impl Iterator<Item = (&Parameter, &Tensor)> {
        self.entries.iter().map(|(p, t)| (p, t))
    }

    /// Returns the tensor at an index in the order of [`Self::iter`].
    pub(super) fn at(&self, index: usize) -> &Tensor {
        &self.entries[index].1
    }

    /// Returns the tensor of a node's parameter.
    pub(crate) fn get(&self, node: &str, role: Role) -> &Tensor {
        let index = self.index.get(&parameter::name(node, role));
        &self.entries[*index.expect("weights are made from the graph that reads them")].1
    }

    fn from_entries(entries: Vec<(Parameter, Tensor)>) -> Self {
        let index = entries
            .iter()
            .enumerate()
            .map(|(i, (p, _))| (p.name.clone(), i))
            .collect();
        Self { entries, index }
    }
}

fn size(parameter: &Parameter) -> Vec<i64> {
    parameter.shape.iter().map(|&n| n as i64).collect()
}

/// Makes convolution kernels channels-last and other tensors contiguous. libtorch's convolutions follow the kernel's
/// layout.
fn lay_out(values: &Tensor) -> Result<Tensor, TchError> {
    no_grad(|| match values.dim() {
        4 => channels_last(values),
        _ => values.f_contiguous(),
    })
}

/// Returns the `[N, C, H, W]` tensor with channels-last memory.
///
/// # Errors
/// Returns an error if memory is exhausted.
pub(crate) fn channels_last(x: &Tensor) -> Result<Tensor, TchError> {
    x.f_permute([0, 2, 3, 1])?
        .f_contiguous()?
        .f_permute([0, 3, 1, 2])
}

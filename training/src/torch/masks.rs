//! Random masks of a forward pass in training: dropout and stochastic depth.

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use tch::{TchError, Tensor};

/// The source of a pass's random masks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Masks {
    /// libtorch's own generator, which the caller has seeded. All threads share the generator, so only passes that do not
    /// run in parallel are reproducible.
    Shared,
    /// A generator per operation of this pass, seeded from this number. Parallel passes are reproducible.
    Own(u64),
}

impl Masks {
    /// Sets values to zero with the probability `rate` and scales the others by `1 / (1 - rate)`. `node` is the position
    /// of the operation in its network.
    pub(super) fn dropout(self, x: &Tensor, rate: f64, node: usize) -> Result<Tensor, TchError> {
        match self {
            Self::Shared => x.f_dropout(rate, true),
            Self::Own(seed) => x.f_mul(&own(x, &x.size(), rate, seed, node)?),
        }
    }

    /// Sets whole maps `[N, C, H, W]` of images to zero with the probability `rate` and scales those of the other images by
    /// `1 / (1 - rate)`.
    ///
    /// Each image has its own draw, as in timm's `drop_path`. Huang et al. 2016 draw once per mini-batch, which saves the
    /// time of the dropped branch. A step has only a few micro-batches, so with one draw per micro-batch its gradient
    /// would average over only a few depths.
    pub(super) fn drop_images(
        self,
        x: &Tensor,
        rate: f64,
        node: usize,
    ) -> Result<Tensor, TchError> {
        let size = [x.size()[0], 1, 1, 1];
        let mask = match self {
            Self::Shared => Tensor::f_empty(size, (x.kind(), x.device()))?
                .f_bernoulli_float_(1.0 - rate)?
                .f_div_scalar(1.0 - rate)?,
            Self::Own(seed) => own(x, &size, rate, seed, node)?,
        };
        x.f_mul(&mask)
    }
}

/// Returns a mask of zeros and of `1 / (1 - rate)`, of the kind and on the device of `x`.
fn own(x: &Tensor, size: &[i64], rate: f64, seed: u64, node: usize) -> Result<Tensor, TchError> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(node as u64));
    let mut draws = vec![0u32; size.iter().product::<i64>() as usize];
    rng.fill(&mut draws[..]);
    let dropped = (rate * 2f64.powi(32)) as u32;
    let scale = (1.0 / (1.0 - rate)) as f32;
    let mask: Vec<f32> = draws
        .into_iter()
        .map(|draw| if draw < dropped { 0.0 } else { scale })
        .collect();
    let mask = Tensor::from_slice(&mask);
    let mask = match *size {
        // Channels-last like every feature map, so that the product is one pass over memory.
        [n, c, h, w] => mask.f_view([n, h, w, c])?.f_permute([0, 3, 1, 2])?,
        _ => mask.f_view(size)?,
    };
    mask.f_to_device(x.device())?.f_to_kind(x.kind())
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    fn ones(size: &[i64]) -> Tensor {
        Tensor::ones(size, (Kind::Float, Device::Cpu))
    }

    #[test]
    fn dropout_drops_its_rate_and_preserves_mean() {
        for masks in [Masks::Shared, Masks::Own(7)] {
            tch::manual_seed(7);
            let x = masks.dropout(&ones(&[10, 8, 25, 10]), 0.2, 3).unwrap();
            let dropped = x
                .eq(0.0)
                .to_kind(Kind::Double)
                .mean(Kind::Double)
                .double_value(&[]);
            assert!((dropped - 0.2).abs() < 0.02, "{masks:?}: {dropped}");
            let scale = x.max().double_value(&[]);
            assert!((scale - 1.25).abs() < 1e-6, "{masks:?}: {scale}");
        }
    }

    #[test]
    fn stochastic_depth_drops_whole_images() {
        for masks in [Masks::Shared, Masks::Own(7)] {
            tch::manual_seed(7);
            let x = masks.drop_images(&ones(&[2000, 3, 2, 2]), 0.5, 3).unwrap();
            let per_image =
                Vec::<f32>::try_from(x.mean_dim([1i64, 2, 3].as_slice(), false, Kind::Float))
                    .unwrap();
            assert!(
                per_image.iter().all(|&mean| mean == 0.0 || mean == 2.0),
                "{masks:?}"
            );
            let dropped = per_image.iter().filter(|&&mean| mean == 0.0).count();
            assert!(
                (900..1100).contains(&dropped),
                "{masks:?}: {dropped} of 2000"
            );
        }
    }

    #[test]
    fn own_masks_depend_only_on_seed_and_node() {
        let mask = |seed, node| {
            Masks::Own(seed)
                .dropout(&ones(&[4, 50]), 0.5, node)
                .unwrap()
        };
        let first = mask(1, 2);
        tch::manual_seed(3);
        assert!(mask(1, 2) == first);
        assert!(mask(1, 3) != first);
        assert!(mask(9, 2) != first);
    }
}

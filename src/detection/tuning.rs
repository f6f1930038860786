//! Tuning of the detector like that of other models.

use std::{sync::Arc, time::Duration};

use mien_faces::{
    detection::{DetectionOptions, DetectorImage, LongSide},
    image::DecodedImage,
};

use super::{FaceDetector, NAME, Serving};
use crate::{
    inference::{
        InferenceError,
        onnx::{Photo, YuNet},
        runtime::Device,
    },
    tuning::{
        Point, Tunable, TuningTarget,
        space::{Configuration, Overrides, Space},
        stop_condition::StopCondition,
        sweep,
    },
};

/// Largest batch that is measured. Each photo of a batch takes 5 MB of each session.
const LARGEST_BATCH: usize = 8;

/// Returns the configuration of a detector that is not measured.
pub(super) fn default_configuration(device: Device) -> Configuration {
    let values = Overrides {
        max_batch: Some(default_batch(device)),
        ..Overrides::default()
    };
    values.or_default(device, mien_host::cpu::available_cores())
}

/// On a CPU a photo usually takes as long in a batch as alone.
fn default_batch(device: Device) -> usize {
    match device {
        Device::Cpu => 1,
        Device::Cuda(_) => LARGEST_BATCH,
    }
}

impl Tunable for FaceDetector {
    fn target(&self) -> TuningTarget<'_> {
        let device = self.runtime.device();
        TuningTarget {
            name: NAME,
            sha256: &self.sha256,
            device,
            variant: self.runtime.variant(),
            fixed_batch: None,
            default_batch: Some(default_batch(device)),
            largest_batch: Some(LARGEST_BATCH),
            given: Overrides::default(),
        }
    }

    fn idle(&self) -> Duration {
        self.serving.load().batcher.idle()
    }

    fn sweep(&self, space: &Space, stop: StopCondition<'_>) -> Result<Vec<Point>, InferenceError> {
        let open = |threads, _| YuNet::open(&self.runtime, &self.model, threads).map(Box::new);
        sweep::measure(space, |count| vec![square_photo(); count], stop, &open)
    }

    fn reconfigure(&self, configuration: Configuration) {
        let before = self.serving.load().configuration;
        if before == configuration {
            return;
        }
        let started = Serving::start(
            &self.runtime,
            &self.model,
            self.limits,
            configuration,
            &self.metrics,
            &self.retired_workers,
        );
        match started {
            Ok(serving) => {
                tracing::info!(model = NAME, %before, after = %configuration, "the detector has a new configuration");
                self.serving.store(Arc::new(serving));
            }
            Err(error) => tracing::warn!(
                model = NAME,
                %error,
                "cannot start the detector with the new configuration; it continues with the previous one"
            ),
        }
    }
}

/// Returns a square photo of the default size. The cost of an inference call does not depend on its pixels.
fn square_photo() -> Photo {
    let long_side = LongSide::default();
    let side = long_side.pixels() as usize;
    let photo = DecodedImage::new(side, side, vec![0; side * side]);
    let photo = photo.expect("the number of pixels is the square of the side");
    Photo {
        image: DetectorImage::from_gray(&photo, long_side),
        options: DetectionOptions::default(),
    }
}

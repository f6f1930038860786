//! The limits of a key: images per second and concurrent images.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use mien_host::sync::lock;

use super::{
    document::LimitSettings,
    rate_limit::{Shortage, TokenBucket},
};

/// Minimum time before a retry.
const MIN_RETRY: Duration = Duration::from_secs(1);

/// The state of the limits of a key.
#[derive(Debug)]
pub(super) struct Limits {
    settings: LimitSettings,
    bucket: Option<Mutex<TokenBucket>>,
    /// Number of images that are processed now.
    concurrent: AtomicU32,
}

/// Images that are processed for a client. They count as concurrent images until the value is dropped.
#[derive(Debug, Default)]
pub struct Admission(Option<(Arc<Limits>, u32)>);

/// A request exceeds a limit of its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the API key `{key}` {kind}")]
pub struct LimitExceeded {
    /// Name of the key.
    pub key: Arc<str>,
    /// The limit.
    pub kind: LimitKind,
}

/// An exceeded limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitKind {
    /// Too many images per second.
    #[error("has {remaining} of {burst} images left; retry in {} s", seconds(*.retry_after))]
    Rate {
        /// Maximum number of images at once.
        burst: u32,
        /// Time in which an empty burst is available again.
        window: Duration,
        /// Number of images that the key may send now.
        remaining: u32,
        /// Time after which the request can be sent again.
        retry_after: Duration,
    },
    /// Too many images are processed at once.
    #[error("has {remaining} of {max} concurrent images left; wait for other responses")]
    Concurrency {
        /// Maximum number of concurrent images.
        max: u32,
        /// Number of images that the key may send now.
        remaining: u32,
    },
    /// The request exceeds the burst or the number of concurrent images, so it can never be admitted.
    #[error("allows at most {max} images per request; send fewer images per request")]
    RequestSize {
        /// Maximum number of images of a request.
        max: u32,
    },
    /// The key was changed or removed after the connection or stream of the client was opened.
    #[error("was changed or removed; open the connection again with a valid key")]
    Revoked,
}

impl LimitKind {
    /// Returns the value of the label `limit` in the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate { .. } => "rate",
            Self::Concurrency { .. } => "concurrency",
            Self::RequestSize { .. } => "request_size",
            Self::Revoked => "revoked",
        }
    }

    /// Returns the time after which the request can be sent again. `None` if it can never be admitted.
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Rate { retry_after, .. } => Some(retry_after),
            Self::Concurrency { .. } => Some(MIN_RETRY),
            Self::RequestSize { .. } | Self::Revoked => None,
        }
    }
}

/// Returns whole seconds, rounded up, at least 1.
pub fn seconds(time: Duration) -> u64 {
    let rounded_up = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    rounded_up.max(1)
}

impl Limits {
    /// Creates the state of unused limits.
    pub(super) fn new(settings: LimitSettings) -> Self {
        let now = Instant::now();
        Self {
            bucket: settings
                .rate
                .map(|rate| Mutex::new(TokenBucket::new(rate, now))),
            settings,
            concurrent: AtomicU32::new(0),
        }
    }

    /// Returns the limits.
    pub(super) fn settings(&self) -> LimitSettings {
        self.settings
    }

    /// Returns the number of images that the rate allows now, or `None` without a limited rate.
    pub(super) fn available_images(&self) -> Option<f64> {
        let bucket = self.bucket.as_ref()?;
        Some(lock(bucket).available(Instant::now()))
    }

    /// Returns the number of images that are processed now, or `None` if it is not limited.
    pub(super) fn concurrent_images(&self) -> Option<u32> {
        self.settings
            .concurrent_images
            .map(|_| self.concurrent.load(Ordering::Acquire))
    }

    /// Admits images, either all or none.
    ///
    /// # Errors
    /// Returns the exceeded limit. The images are then not counted.
    pub(super) fn admit(self: &Arc<Self>, images: usize) -> Result<Admission, LimitKind> {
        let images = u32::try_from(images).unwrap_or(u32::MAX);
        // Such a request can never be admitted, so it must not wait for other responses.
        if let Some(rate) = self.settings.rate
            && images > rate.burst
        {
            return Err(LimitKind::RequestSize { max: rate.burst });
        }
        let admission = self.start(images)?;
        self.take(images)?;
        Ok(admission)
    }

    /// Counts concurrent images until the result is dropped.
    fn start(self: &Arc<Self>, images: u32) -> Result<Admission, LimitKind> {
        let Some(max) = self.settings.concurrent_images else {
            return Ok(Admission::default());
        };
        if images > max {
            return Err(LimitKind::RequestSize { max });
        }
        let add = |current: u32| current.checked_add(images).filter(|&sum| sum <= max);
        let added = self
            .concurrent
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        match added {
            Ok(_) => Ok(Admission(Some((Arc::clone(self), images)))),
            Err(current) => Err(LimitKind::Concurrency {
                max,
                remaining: max.saturating_sub(current),
            }),
        }
    }

    /// Counts images in the rate.
    fn take(&self, images: u32) -> Result<(), LimitKind> {
        let (Some(bucket), Some(rate)) = (&self.bucket, self.settings.rate) else {
            return Ok(());
        };
        let taken = lock(bucket).take(images, Instant::now());
        taken.map_err(|shortage| match shortage {
            Shortage::Never => LimitKind::RequestSize { max: rate.burst },
            Shortage::Wait {
                remaining,
                retry_after,
            } => LimitKind::Rate {
                burst: rate.burst,
                window: Duration::from_secs_f64(f64::from(rate.burst) / rate.images_per_second),
                remaining,
                retry_after,
            },
        })
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some((limits, images)) = &self.0 {
            limits.concurrent.fetch_sub(*images, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrent_images_are_released_on_drop() {
        let limits = Arc::new(Limits::new(LimitSettings {
            concurrent_images: Some(4),
            ..LimitSettings::default()
        }));
        let three = limits.admit(3).unwrap();
        let exceeded = LimitKind::Concurrency {
            max: 4,
            remaining: 1,
        };
        assert_eq!(limits.admit(2).unwrap_err(), exceeded);
        let one = limits.admit(1).unwrap();
        drop((three, one));
        limits.admit(4).unwrap();
        assert_eq!(
            limits.admit(5).unwrap_err(),
            LimitKind::RequestSize { max: 4 }
        );
    }

    #[test]
    fn rejected_rate_releases_concurrent_images() {
        let rate = super::super::document::Rate {
            images_per_second: 0.001,
            burst: 2,
        };
        let limits = Arc::new(Limits::new(LimitSettings {
            rate: Some(rate),
            concurrent_images: Some(2),
        }));
        drop(limits.admit(2).unwrap());
        for _ in 0..3 {
            let exceeded = limits.admit(1).unwrap_err();
            assert_eq!(exceeded.name(), "rate");
            assert!(exceeded.retry_after() > Some(Duration::from_secs(60)));
        }
    }
}

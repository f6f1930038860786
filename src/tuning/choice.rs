//! Chooses the configuration from a tuning curve.

use super::sessions::Point;

/// Share of the best throughput that may be given up for a shorter inference call. Smaller differences are noise.
const TOLERANCE: f64 = 0.02;

/// Chooses the knee of the curve: among the points within `TOLERANCE` of the best throughput the one with the shortest
/// inference call, and among equals the one with the fewest sessions. Returns `None` without points.
pub fn choose(points: &[Point]) -> Option<&Point> {
    let best = points
        .iter()
        .map(|point| point.images_per_second)
        .max_by(f64::total_cmp)?;
    let good = points
        .iter()
        .filter(|p| p.images_per_second >= (1.0 - TOLERANCE) * best);
    good.min_by(|a, b| {
        a.run_ms
            .total_cmp(&b.run_ms)
            .then_with(|| a.instances.cmp(&b.instances))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the points of a layout from batch sizes and milliseconds per image.
    fn curve(instances: usize, intra_op_threads: usize, ms: &[(usize, f64)]) -> Vec<Point> {
        let point = |&(batch, ms): &(usize, f64)| {
            let run_ms = ms * batch as f64;
            let images_per_second = 1e3 * (instances * batch) as f64 / run_ms;
            Point {
                instances,
                intra_op_threads,
                batch,
                images_per_second,
                run_ms,
                spread: 0.0,
            }
        };
        ms.iter().map(point).collect()
    }

    fn choice(points: &[Point]) -> String {
        choose(points).unwrap().configuration().to_string()
    }

    #[test]
    fn growing_cost_per_image_chooses_batch_one() {
        let densenet = curve(
            2,
            1,
            &[(1, 13.0), (2, 13.4), (4, 14.2), (8, 15.1), (32, 17.0)],
        );
        assert_eq!(choice(&densenet), "2x1 batch 1");
    }

    #[test]
    fn smallest_batch_near_best_throughput_is_chosen() {
        let resnet = curve(
            2,
            1,
            &[(1, 16.0), (2, 13.9), (4, 12.4), (8, 11.55), (16, 11.5)],
        );
        assert_eq!(choice(&resnet), "2x1 batch 8");
    }

    #[test]
    fn equal_layouts_choose_shorter_inference_call() {
        let mut points = curve(2, 1, &[(1, 10.0), (2, 9.9)]);
        points.extend(curve(1, 2, &[(1, 5.05), (2, 4.9)]));
        assert_eq!(choice(&points), "1x2 batch 2");
        points.retain(|point| point.intra_op_threads == 1 || point.batch == 1);
        assert_eq!(choice(&points), "1x2 batch 1");
    }

    #[test]
    fn throughput_precedes_latency() {
        let mut points = curve(2, 1, &[(1, 10.0)]);
        points.extend(curve(1, 2, &[(1, 6.0)]));
        assert_eq!(choice(&points), "2x1 batch 1");
        assert_eq!(choose(&[]), None);
    }
}

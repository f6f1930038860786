//! Which point of a curve serves best.

use super::{
    sessions::Point,
    space::{Configuration, Layout},
};

/// How much of the best throughput is given up at most for shorter runs, a ratio. Below it, curves are noise.
const TOLERANCE: f64 = 0.02;

/// The knee: of the points within `TOLERANCE` of the best throughput the one whose run is the shortest, so that
/// nobody waits for images that gain nothing; of equals the one with the fewest sessions. `None` without points.
pub fn choose(points: &[Point]) -> Option<Configuration> {
    let best = points.iter().map(|point| point.images_per_second).max_by(f64::total_cmp)?;
    let good = points.iter().filter(|p| p.images_per_second >= (1.0 - TOLERANCE) * best);
    let knee = good
        .min_by(|a, b| a.run_ms.total_cmp(&b.run_ms).then_with(|| a.instances.cmp(&b.instances)))?;
    let Point { instances, intra_op_threads, batch, .. } = *knee;
    Some(Configuration { layout: Layout { instances, intra_op_threads }, max_batch: batch })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The points of a layout: batch size and the milliseconds that it takes an image, on one thread.
    fn curve(instances: usize, intra_op_threads: usize, ms: &[(usize, f64)]) -> Vec<Point> {
        let point = |&(batch, ms): &(usize, f64)| {
            let run_ms = ms * batch as f64;
            let images_per_second = 1e3 * (instances * batch) as f64 / run_ms;
            Point { instances, intra_op_threads, batch, images_per_second, run_ms }
        };
        ms.iter().map(point).collect()
    }

    fn choice(points: &[Point]) -> String {
        choose(points).unwrap().to_string()
    }

    #[test]
    fn a_network_that_batches_cost_runs_one_image_at_a_time() {
        let densenet = curve(2, 1, &[(1, 13.0), (2, 13.4), (4, 14.2), (8, 15.1), (32, 17.0)]);
        assert_eq!(choice(&densenet), "2x1 batch 1");
    }

    #[test]
    fn a_network_that_batches_help_takes_the_smallest_that_is_as_good_as_any() {
        let resnet = curve(2, 1, &[(1, 16.0), (2, 13.9), (4, 12.4), (8, 11.55), (16, 11.5)]);
        assert_eq!(choice(&resnet), "2x1 batch 8");
    }

    #[test]
    fn of_layouts_that_do_the_same_the_one_with_shorter_runs_wins() {
        let mut points = curve(2, 1, &[(1, 10.0), (2, 9.9)]);
        points.extend(curve(1, 2, &[(1, 5.05), (2, 4.9)]));
        assert_eq!(choice(&points), "1x2 batch 2");
        points.retain(|point| point.intra_op_threads == 1 || point.batch == 1);
        assert_eq!(choice(&points), "1x2 batch 1");
    }

    #[test]
    fn throughput_goes_before_latency() {
        let mut points = curve(2, 1, &[(1, 10.0)]);
        points.extend(curve(1, 2, &[(1, 6.0)]));
        assert_eq!(choice(&points), "2x1 batch 1");
        assert_eq!(choose(&[]), None);
    }
}

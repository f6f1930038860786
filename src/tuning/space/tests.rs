use super::*;

fn layouts(cores: usize, instances: Option<usize>, intra_op_threads: Option<usize>) -> Vec<String> {
    let given = Overrides {
        instances,
        intra_op_threads,
        max_batch: None,
    };
    let space = Space::new(Device::Cpu, cores, given);
    space
        .layouts
        .iter()
        .map(|l| format!("{}x{}", l.instances, l.intra_op_threads))
        .collect()
}

#[test]
fn layouts_use_all_cores_and_no_more() {
    assert_eq!(layouts(1, None, None), ["1x1"]);
    assert_eq!(layouts(2, None, None), ["2x1", "1x2"]);
    assert_eq!(layouts(6, None, None), ["6x1", "3x2", "1x4"]);
    assert_eq!(layouts(64, None, None), ["32x2", "16x4", "8x8"]);
}

#[test]
fn fixed_values_are_not_varied() {
    assert_eq!(layouts(8, Some(2), None), ["2x4", "2x2", "2x1"]);
    assert_eq!(layouts(2, Some(4), None), ["4x1"]);
    assert_eq!(layouts(8, None, Some(4)), ["2x4"]);
    assert_eq!(layouts(2, Some(5), Some(7)), ["5x7"]);
    let given = Overrides {
        max_batch: Some(3),
        ..Overrides::default()
    };
    let space = Space::new(Device::Cpu, 1, given);
    let only = Configuration {
        layout: Layout {
            instances: 1,
            intra_op_threads: 1,
        },
        max_batch: 3,
    };
    assert_eq!(space.single_configuration(), Some(only));
    assert!(space.contains(only));
    assert_eq!(
        Space::new(Device::Cpu, 2, given).single_configuration(),
        None
    );
}

#[test]
fn defaults_depend_on_device() {
    let shown = |given: Overrides, device| given.or_default(device, 4).to_string();
    assert_eq!(shown(Overrides::default(), Device::Cpu), "4x1 batch 8");
    assert_eq!(shown(Overrides::default(), Device::Cuda(0)), "1x1 batch 64");
    let given = Overrides {
        instances: Some(2),
        intra_op_threads: None,
        max_batch: Some(3),
    };
    assert_eq!(shown(given, Device::Cpu), "2x2 batch 3");
}

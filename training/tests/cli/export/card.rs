//! The header and the sections of a card.

/// Checks the header and the sections of a card.
pub(super) fn assert_sections(card: &str, report: &serde_json::Value) {
    let (header, text) = card
        .strip_prefix("---\n")
        .and_then(|card| card.split_once("\n---\n"))
        .unwrap();
    let accuracy = report["test"]["accuracy"].as_f64().unwrap();
    for line in [
        format!("- name: {}", report["architecture"].as_str().unwrap()),
        format!("    - {{type: accuracy, value: {accuracy:.4}}}"),
    ] {
        assert!(header.lines().any(|other| other == line), "{header}");
    }
    let headings: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("## ")).collect();
    let expected = [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and recommendations",
        "Reproduction",
    ];
    assert_eq!(headings, expected);
    assert!(
        text.contains("28 of them are also training faces"),
        "{text}"
    );
}

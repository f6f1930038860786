//! The YAML header of a card, as the model hub of Hugging Face defines it ("Model Cards", section "Model card metadata").

use mien_faces::report::Report;

/// Returns the header. The figures are those of the test faces.
pub(super) fn render(name: &str, test: Option<&Report>) -> String {
    let mut text = "---\nlicense: [apache-2.0, mit]\nlibrary_name: onnx\npipeline_tag: image-classification\n\
                    tags: [facial-expression-recognition]\ndatasets: [fer2013]\nmetrics: [accuracy, f1]\n"
        .to_owned();
    let accuracy = test.and_then(|report| Some((report.score.accuracy?, report.macro_f1)));
    if let Some((accuracy, macro_f1)) = accuracy {
        text += &format!(
            "model-index:\n- name: {name}\n  results:\n  - task: {{type: image-classification, name: Facial expression classification}}\n    \
             dataset: {{type: fer2013, name: FER2013, split: test}}\n    metrics:\n    - {{type: accuracy, value: {accuracy:.4}}}\n"
        );
        if let Some(f1) = macro_f1 {
            text += &format!("    - {{type: f1, name: macro F1, value: {f1:.4}}}\n");
        }
    }
    text + "---\n"
}

use super::*;

#[test]
fn comparison_names_group_with_largest_loss() {
    let comparison = compare_with_groups(&read(B), &read(A)).unwrap();
    let loss = comparison.largest_group_loss.as_ref().unwrap();
    let expected = format!(
        "The group with the largest loss is {} of kind_x: {} percentage points on {}",
        loss.group.group,
        format::points(loss.group.difference, 2),
        format::images(loss.group.images)
    );
    let [side_a, side_b] = ["b.csv", "a.csv"].map(|name| Side {
        name: name.to_owned(),
        subject: None,
    });
    let page = comparison_html(&side_a, &side_b, &comparison, &FaceImages::default());
    let markdown = comparison_markdown(&side_a, &side_b, &comparison);
    let page = text_of(&page).replace("&lt;", "<").replace("&gt;", ">");
    for text in [page, markdown.replace('\\', "")] {
        assert!(text.contains(&expected), "{expected}: {text}");
    }
}

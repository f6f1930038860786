use super::*;

#[test]
fn promotion_and_pin_are_stored_together() {
    let store = Store::memory().unwrap();
    let pin = |version| Pin {
        model: "small".to_owned(),
        version: ModelVersion::of(version),
    };
    store
        .insert_promotion(&promotion(A), Some(&pin(1)))
        .unwrap();
    assert_eq!(store.pins().unwrap(), [pin(1)]);
    let promoted = PromotionRecord {
        status: PromotionStatus::Promoted,
        baseline_version: Some(ModelVersion::of(1)),
        sha256: Some("ab".repeat(32)),
        candidate_evaluation_id: Some(E),
        done: 5,
        result: Some("{}".to_owned()),
        reason: Some("0.75 is 0.70 at least".to_owned()),
        finished: Some(Timestamp::now()),
        ..promotion(A)
    };
    store.update_promotion(&promoted, Some(&pin(2))).unwrap();
    assert_eq!(store.promotion(A).unwrap(), Some(promoted.clone()));
    assert_eq!(store.pin("small").unwrap(), Some(ModelVersion::of(2)));
    // The second insertion of the identifier fails, and so does its pin.
    assert!(
        store
            .insert_promotion(&promotion(A), Some(&pin(9)))
            .is_err()
    );
    assert_eq!(store.pin("small").unwrap(), Some(ModelVersion::of(2)));

    let other = PromotionRecord {
        model: "tiny".to_owned(),
        ..promotion(B)
    };
    store.insert_promotion(&other, None).unwrap();
    assert_eq!(
        store.promotions(None, 9).unwrap(),
        [other.clone(), promoted.clone()]
    );
    assert_eq!(store.promotions(None, 1).unwrap().len(), 1);
    assert_eq!(store.promotions(Some("small"), 9).unwrap(), [promoted]);
    let newer = PromotionRecord {
        status: PromotionStatus::Failed,
        ..promotion(C)
    };
    store.insert_promotion(&newer, None).unwrap();
    assert_eq!(store.prune_promotions(1).unwrap(), 1);
    // A pending promotion is not removed.
    assert_eq!(store.promotions(None, 9).unwrap(), [newer, other]);
    assert!(store.clear_pin("small").unwrap() && !store.clear_pin("small").unwrap());
    assert_eq!(
        (store.pin("small").unwrap(), store.pins().unwrap()),
        (None, vec![])
    );
}

//! Makes a history that fails as short as it can be and still fail.

/// Leaves out pieces, ever smaller ones, as long as what is left fails. `failing` is given several
/// shorter histories at a time, and says which of them fails, if one does.
pub async fn shrink<T: Clone>(
    mut steps: Vec<T>,
    mut failing: impl AsyncFnMut(&[Vec<T>]) -> Option<usize>,
) -> Vec<T> {
    let mut piece = steps.len().div_ceil(2);
    while piece > 0 && !steps.is_empty() {
        let pieces = (0..steps.len()).step_by(piece);
        let without = |at: usize| {
            let end = steps.len().min(at + piece);
            [&steps[..at], &steps[end..]].concat()
        };
        let shorter: Vec<Vec<T>> = pieces.map(without).collect();
        match failing(&shorter).await {
            Some(at) => steps = shorter.into_iter().nth(at).unwrap(),
            None if piece == 1 => break,
            None => piece = piece.div_ceil(2),
        }
        piece = piece.min(steps.len());
    }
    steps
}

#[tokio::test]
async fn of_a_long_history_only_what_makes_it_fail_is_left() {
    let failing = async |all: &[Vec<u32>]| {
        let fails = |steps: &Vec<u32>| steps.contains(&3) && steps.contains(&77);
        all.iter().position(fails)
    };
    assert_eq!(shrink((0..100).collect(), failing).await, [3, 77]);
}

//! Topological order of runs.

/// Returns the indices `0..needs.len()` in an order in which each follows all of its `needs`, and otherwise ascending.
///
/// # Errors
/// Returns a cycle as indices. Each index needs the next one, and the first equals the last.
pub(super) fn sort(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut search = Search {
        needs,
        sorted: Vec::new(),
        path: Vec::new(),
    };
    for index in 0..needs.len() {
        search.visit(index)?;
    }
    Ok(search.sorted)
}

/// A depth-first search.
struct Search<'a> {
    needs: &'a [Vec<usize>],
    sorted: Vec<usize>,
    /// The indices that are being visited. Each is needed by the previous one.
    path: Vec<usize>,
}

impl Search<'_> {
    fn visit(&mut self, index: usize) -> Result<(), Vec<usize>> {
        if self.sorted.contains(&index) {
            return Ok(());
        }
        if let Some(start) = self.path.iter().position(|&visited| visited == index) {
            return Err([&self.path[start..], &[index]].concat());
        }
        self.path.push(index);
        for &needed in &self.needs[index] {
            self.visit(needed)?;
        }
        self.path.pop();
        self.sorted.push(index);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_puts_needs_first_and_keeps_order() {
        assert_eq!(sort(&[vec![], vec![], vec![0]]), Ok(vec![0, 1, 2]));
        assert_eq!(sort(&[vec![2, 1], vec![], vec![1]]), Ok(vec![1, 2, 0]));
        assert_eq!(sort(&[]), Ok(vec![]));
    }

    #[test]
    fn sorting_reports_only_members_of_cycle() {
        assert_eq!(
            sort(&[vec![1], vec![2], vec![3], vec![1]]),
            Err(vec![1, 2, 3, 1])
        );
        assert_eq!(sort(&[vec![0]]), Err(vec![0, 0]));
    }
}

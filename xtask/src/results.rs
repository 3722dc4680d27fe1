//! The output of libtest: lists of tests, and results.

/// Returns how many tests a list in libtest's terse format names.
pub fn listed(list: &str) -> usize {
    list.lines().filter(|line| line.ends_with(": test")).count()
}

/// Returns how many tests passed, in all test binaries of an output.
pub fn passed(output: &str) -> usize {
    let counts = output.lines().filter_map(|line| line.strip_prefix("test result: ok. ")?.split_once(" passed"));
    counts.filter_map(|(count, _)| count.parse::<usize>().ok()).sum()
}

/// Returns true if exactly one test ran, and failed.
pub fn one_failed(output: &str) -> bool {
    output.contains("test result: FAILED. 0 passed; 1 failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\nrunning 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 1 filtered \
                          out; finished in 0.00s\n\ntest result: ok. 40 passed; 0 failed; 0 ignored\n";

    #[test]
    fn passed_tests_are_counted_over_all_binaries() {
        assert_eq!(passed(OUTPUT), 42);
        assert_eq!(passed("test result: FAILED. 3 passed; 1 failed; 0 ignored"), 0);
    }

    #[test]
    fn one_failed_test_is_distinguished_from_none_and_from_a_failed_build() {
        assert!(one_failed("test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out"));
        assert!(!one_failed(OUTPUT));
        assert!(!one_failed("error: could not compile `alm-key-operator` (lib test)"));
    }

    #[test]
    fn benchmarks_and_summaries_do_not_count_as_listed_tests() {
        assert_eq!(listed("a::b: test\nc: test\nd: benchmark\n\n2 tests, 1 benchmark\n"), 2);
    }
}

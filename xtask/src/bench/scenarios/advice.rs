//! Which policy to choose: each in a sentence, in the numbers of this run.

use super::Policy;
use crate::bench::results::Measurements;

/// A sentence or two for each policy that was measured on `server`.
pub(super) fn advice(
    server: &str,
    policies: &[Policy],
    capacity: &Measurements,
    latency: &Measurements,
    risk: &Measurements,
) -> Vec<String> {
    let value = |table: &Measurements, policy: Policy, key: &str| {
        table.median_of(&[("policy", policy.name())], server, key)
    };
    let fastest = policies
        .iter()
        .filter_map(|policy| value(capacity, *policy, "per_second"))
        .max_by(f64::total_cmp)
        .unwrap_or(f64::NAN);
    policies
        .iter()
        .filter_map(|policy| {
            let speed = value(capacity, *policy, "per_second")?;
            let cpu_us = value(capacity, *policy, "cpu_us")?;
            let p999_ms = value(latency, *policy, "p999_ms")?;
            let lost = value(risk, *policy, "lost")?;
            let acknowledged = value(risk, *policy, "acknowledged")?;
            let at_risk = match value(risk, *policy, "at_risk_ms_max") {
                _ if *policy == Policy::Off => "everything".to_owned(),
                Some(0.0) => "nothing".to_owned(),
                Some(ms) => format!("up to {:.1} s of writes", ms / 1000.0),
                None => "what was not synced".to_owned(),
            };
            Some(format!(
                "{}: {}. {cpu_us:.1} us of processor time per command, {:.0} % of the fastest policy's throughput, 99.9 % \
                 of commands within {p999_ms:.1} ms at the steady rate. Kill -9 took {lost:.0} of {acknowledged:.0} acknowledged writes; a power loss would have \
                 taken {at_risk}.",
                policy.name(),
                when(*policy),
                100.0 * speed / fastest
            ))
        })
        .collect()
}

/// When to choose it.
fn when(policy: Policy) -> &'static str {
    match policy {
        Policy::Off => "for a cache that may be empty after a restart",
        Policy::Rdb => "for data that may be as old as the last snapshot after a restart",
        Policy::No => "for data that must survive a crash of the server, not one of the machine",
        Policy::Everysec => "for data whose last second may be lost with the machine; the usual choice",
        Policy::Always => "for data of which no acknowledged write may be lost, whatever crashes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::{Better, Metric};

    #[test]
    fn every_measured_policy_gets_its_sentence() {
        const CAPACITY: &[Metric] =
            &[Metric::new("per_second", "", Better::Higher, 0), Metric::new("cpu_us", "", Better::Lower, 0)];
        const LATENCY: &[Metric] = &[Metric::new("p999_ms", "", Better::Lower, 0)];
        const RISK: &[Metric] = &[
            Metric::new("at_risk_ms_max", "", Better::Lower, 0),
            Metric::new("acknowledged", "", Better::Lower, 0),
            Metric::new("lost", "", Better::Lower, 0),
        ];
        let (mut capacity, mut latency, mut risk) =
            (Measurements::new("a", CAPACITY), Measurements::new("b", LATENCY), Measurements::new("c", RISK));
        for (policy, speed, at_risk_ms) in [("no", 200.0, Some(1500.0)), ("always", 50.0, Some(0.0))] {
            capacity.record(&[("policy", policy)], "ours", [Some(speed), Some(7.0)]);
            latency.record(&[("policy", policy)], "ours", [Some(2.0)]);
            risk.record(&[("policy", policy)], "ours", [at_risk_ms, Some(70.0), Some(3.0)]);
        }
        let policies = [Policy::No, Policy::Everysec, Policy::Always];
        let sentences = advice("ours", &policies, &capacity, &latency, &risk);
        assert_eq!(sentences.len(), 2);
        assert!(sentences[0].contains("up to 1.5 s"), "{}", sentences[0]);
        assert!(sentences[1].starts_with("always") && sentences[1].contains("25 %"), "{}", sentences[1]);
        assert!(
            sentences[1].contains("3 of 70") && sentences[1].contains("taken nothing"),
            "{}",
            sentences[1]
        );
    }
}

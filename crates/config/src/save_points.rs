//! `save`: when a snapshot is taken by itself.

use crate::kind::{Kind, Reason, RewriteLine, Session};
use crate::number::parse_c_integer;

/// Take a snapshot after this many seconds if this many changes were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SavePoint {
    /// At least one.
    pub seconds: u64,
    /// Zero or more.
    pub changes: u64,
}

pub(crate) struct SavePoints;

impl Kind for SavePoints {
    type Value = Vec<SavePoint>;

    fn default(&self) -> Vec<SavePoint> {
        [(3600, 1), (300, 100), (60, 10_000)].map(|(seconds, changes)| SavePoint { seconds, changes }).into()
    }

    /// CONFIG SET replaces the list. In a file the first line replaces the defaults, later lines add to it,
    /// and `""` always empties it.
    fn parse(
        &self,
        arguments: &[Vec<u8>],
        current: &Vec<SavePoint>,
        session: &mut Session<'_>,
    ) -> Result<Vec<SavePoint>, Reason> {
        const INVALID: Reason = Reason::Borrowed("Invalid save parameters");
        let emptied = matches!(arguments, [only] if only.is_empty());
        let arguments = if emptied { &[] } else { arguments };
        let (pairs, odd) = arguments.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(INVALID);
        }
        let adds = session.reading_file && session.save_points_cleared && !emptied;
        let mut points = if adds { current.clone() } else { Vec::new() };
        for [seconds, changes] in pairs {
            let number = |text: &[u8]| parse_c_integer(text, 10).and_then(|value| u64::try_from(value).ok());
            let seconds = number(seconds).filter(|seconds| *seconds >= 1).ok_or(INVALID)?;
            points.push(SavePoint { seconds, changes: number(changes).ok_or(INVALID)? });
        }
        session.save_points_cleared = true;
        Ok(points)
    }

    fn show(&self, value: &Vec<SavePoint>) -> Vec<u8> {
        let parts: Vec<_> =
            value.iter().map(|point| format!("{} {}", point.seconds, point.changes)).collect();
        parts.join(" ").into_bytes()
    }

    fn rewrite(&self, name: &str, value: &Vec<SavePoint>) -> Vec<RewriteLine> {
        if value.is_empty() {
            return vec![RewriteLine::new(name, "\"\"", true)];
        }
        let line =
            |point: &SavePoint| RewriteLine::new(name, format!("{} {}", point.seconds, point.changes), true);
        value.iter().map(line).collect()
    }

    fn takes_many(&self) -> bool {
        true
    }

    fn kind_name(&self) -> &'static str {
        "special"
    }

    fn accepted(&self) -> String {
        "pairs of seconds (1 or more) and changes; `\"\"` for none".into()
    }
}

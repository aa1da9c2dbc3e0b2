//! `client-output-buffer-limit`: how much output may wait for a client that does not read.

use crate::kind::{Kind, Reason, RewriteLine, Session};
use crate::number::{format_memory, parse_c_integer, parse_memory};

/// The limits of one class of clients; zero means none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutputLimit {
    /// The connection is closed at once beyond this many bytes.
    pub hard_bytes: u64,
    /// The connection is closed when it stays beyond this many bytes for `soft_seconds`.
    pub soft_bytes: u64,
    /// See `soft_bytes`.
    pub soft_seconds: u64,
}

/// The limits of all classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimits {
    /// Ordinary clients, MONITOR included.
    pub normal: OutputLimit,
    /// Replicas.
    pub replica: OutputLimit,
    /// Clients subscribed to a channel or pattern.
    pub pubsub: OutputLimit,
}

impl OutputLimits {
    fn class_mut(&mut self, name: &[u8]) -> Option<&mut OutputLimit> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Some(&mut self.normal),
            b"slave" | b"replica" => Some(&mut self.replica),
            b"pubsub" => Some(&mut self.pubsub),
            _ => None,
        }
    }

    fn classes(&self) -> [(&'static str, OutputLimit); 3] {
        [("normal", self.normal), ("replica", self.replica), ("pubsub", self.pubsub)]
    }
}

pub(crate) struct OutputLimitsKind;

const MB: u64 = 1 << 20;

impl Kind for OutputLimitsKind {
    type Value = OutputLimits;

    fn default(&self) -> OutputLimits {
        let limit =
            |hard_bytes, soft_bytes, soft_seconds| OutputLimit { hard_bytes, soft_bytes, soft_seconds };
        OutputLimits {
            normal: limit(0, 0, 0),
            replica: limit(256 * MB, 64 * MB, 60),
            pubsub: limit(32 * MB, 8 * MB, 60),
        }
    }

    fn parse(
        &self,
        arguments: &[Vec<u8>],
        current: &OutputLimits,
        _: &mut Session<'_>,
    ) -> Result<OutputLimits, Reason> {
        let (groups, rest) = arguments.as_chunks::<4>();
        if !rest.is_empty() {
            return Err("Wrong number of arguments in buffer limit configuration.".into());
        }
        let mut limits = *current;
        for [class, hard, soft, seconds] in groups {
            let limit = limits
                .class_mut(class)
                .ok_or(Reason::Borrowed("Invalid client class specified in buffer limit configuration."))?;
            let seconds = parse_c_integer(seconds, 10).and_then(|seconds| u64::try_from(seconds).ok());
            let (Some(hard_bytes), Some(soft_bytes), Some(soft_seconds)) =
                (parse_memory(hard), parse_memory(soft), seconds)
            else {
                return Err(
                    "Error in hard, soft or soft_seconds setting in buffer limit configuration.".into()
                );
            };
            *limit = OutputLimit { hard_bytes, soft_bytes, soft_seconds };
        }
        Ok(limits)
    }

    /// CONFIG GET still says `slave`.
    fn show(&self, value: &OutputLimits) -> Vec<u8> {
        let parts = value.classes().map(|(class, limit)| {
            let class = if class == "replica" { "slave" } else { class };
            format!("{class} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
        });
        parts.join(" ").into_bytes()
    }

    fn rewrite(&self, name: &str, value: &OutputLimits) -> Vec<RewriteLine> {
        let classes = value.classes().into_iter().zip(self.default().classes());
        let line = |((class, limit), (_, default)): ((&str, OutputLimit), (&str, OutputLimit))| {
            let (hard, soft) = (format_memory(limit.hard_bytes), format_memory(limit.soft_bytes));
            RewriteLine::new(name, format!("{class} {hard} {soft} {}", limit.soft_seconds), limit != default)
        };
        classes.map(line).collect()
    }

    fn takes_many(&self) -> bool {
        true
    }

    fn kind_name(&self) -> &'static str {
        "special"
    }

    fn accepted(&self) -> String {
        "groups of class (normal, replica, pubsub), hard limit, soft limit, soft seconds".into()
    }
}

//! What ZUNION and its relatives are told, and what comes of it.

use std::collections::HashMap;

use lastsave_resp::Request;

use super::sources::{Enough, Source};
use crate::context::Context;
use crate::double::double_argument;
use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument};
use crate::spec::CommandSpec;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Union,
    Intersection,
    Difference,
}

impl Operation {
    /// What storing the result is announced as.
    pub(super) fn store_event(self) -> &'static str {
        match self {
            Self::Union => "zunionstore",
            Self::Intersection => "zinterstore",
            Self::Difference => "zdiffstore",
        }
    }
}

/// How the scores of one member in several inputs become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn apply(self, score: f64, other: f64) -> f64 {
        match self {
            // Infinities that cancel each other give 0.
            Self::Sum => zero_if_nan(score + other),
            Self::Min if other < score => other,
            Self::Max if other > score => other,
            Self::Min | Self::Max => score,
        }
    }
}

fn zero_if_nan(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// What becomes of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Yield {
    Elements,
    Count,
    Key,
}

/// How the command at hand is written.
pub(super) struct Form {
    pub(super) numkeys_at: usize,
    pub(super) spec: &'static CommandSpec,
    pub(super) operation: Operation,
    pub(super) yields: Yield,
}

/// An input with the factor for its scores.
struct Input {
    source: Source,
    weight: f64,
}

/// Inputs, and what is to be done with them.
pub(super) struct Query {
    inputs: Vec<Input>,
    aggregate: Aggregate,
    pub(super) with_scores: bool,
    /// Members that are counted at most; 0 for no limit.
    pub(super) limit: usize,
}

impl Query {
    /// Reads the arguments and looks the inputs up, or replies with an error.
    pub(super) fn parse(
        context: &mut Context<'_>,
        request: Request<'_>,
        form: &Form,
    ) -> Result<Self, Replied> {
        let numkeys = integer_argument(context.reply, request.arg(form.numkeys_at))?;
        if numkeys < 1 {
            let text = format!("ERR at least 1 input key is needed for '{}' command", form.spec.full_name);
            return Err(error(context.reply, &text));
        }
        let first = form.numkeys_at + 1;
        let numkeys = usize::try_from(numkeys).ok().filter(|numkeys| *numkeys <= request.len() - first);
        let numkeys = numkeys.ok_or_else(|| error(context.reply, SYNTAX_ERROR))?;
        let mut query = Self {
            inputs: Vec::with_capacity(numkeys),
            aggregate: Aggregate::Sum,
            with_scores: false,
            limit: 0,
        };
        for name in request.args().skip(first).take(numkeys) {
            query.inputs.push(Input { source: Source::read(context, name)?, weight: 1.0 });
        }
        query.parse_options(context, request, first + numkeys, form)?;
        if form.operation != Operation::Difference {
            query.inputs.sort_by_key(|input| input.source.len());
        }
        Ok(query)
    }

    fn parse_options(
        &mut self,
        context: &mut Context<'_>,
        request: Request<'_>,
        start: usize,
        form: &Form,
    ) -> Result<(), Replied> {
        let has_weights = form.operation != Operation::Difference && form.yields != Yield::Count;
        let mut index = start;
        while let Some(word) = request.get(index) {
            let behind = request.len() - index - 1;
            if has_weights && behind >= self.inputs.len() && word.eq_ignore_ascii_case(b"weights") {
                for (input, at) in self.inputs.iter_mut().zip(index + 1..) {
                    let text = "ERR weight value is not a float";
                    input.weight = double_argument(context.reply, request.arg(at), Some(text))?;
                }
                index += 1 + self.inputs.len();
            } else if has_weights && behind >= 1 && word.eq_ignore_ascii_case(b"aggregate") {
                self.aggregate = match request.arg(index + 1) {
                    word if word.eq_ignore_ascii_case(b"sum") => Aggregate::Sum,
                    word if word.eq_ignore_ascii_case(b"min") => Aggregate::Min,
                    word if word.eq_ignore_ascii_case(b"max") => Aggregate::Max,
                    _ => return Err(error(context.reply, SYNTAX_ERROR)),
                };
                index += 2;
            } else if form.yields == Yield::Elements && word.eq_ignore_ascii_case(b"withscores") {
                self.with_scores = true;
                index += 1;
            } else if form.yields == Yield::Count && behind >= 1 && word.eq_ignore_ascii_case(b"limit") {
                let limit = lastsave_resp::parse_integer(request.arg(index + 1));
                self.limit = limit
                    .and_then(|limit| usize::try_from(limit).ok())
                    .ok_or_else(|| error(context.reply, "ERR LIMIT can't be negative"))?;
                index += 2;
            } else {
                return Err(error(context.reply, SYNTAX_ERROR));
            }
        }
        Ok(())
    }

    /// The resulting elements, in no particular order.
    pub(super) fn result(&self, operation: Operation) -> Vec<(Box<[u8]>, f64)> {
        let mut elements = Vec::new();
        match operation {
            Operation::Union => return self.unite(),
            Operation::Intersection => self.intersect(|member, score| {
                elements.push((member.into(), score));
                Enough::No
            }),
            Operation::Difference => self.subtract(|member, score| elements.push((member.into(), score))),
        }
        elements
    }

    fn unite(&self) -> Vec<(Box<[u8]>, f64)> {
        let mut scores: HashMap<Box<[u8]>, f64> = HashMap::new();
        for input in &self.inputs {
            input.source.visit(|member, score| {
                let score = zero_if_nan(input.weight * score);
                match scores.get_mut(member) {
                    Some(before) => *before = self.aggregate.apply(*before, score),
                    None => {
                        scores.insert(member.into(), score);
                    }
                }
                Enough::No
            });
        }
        scores.into_iter().collect()
    }

    /// Gives what is in all inputs to `found`. The first input is the smallest.
    pub(super) fn intersect(&self, mut found: impl FnMut(&[u8], f64) -> Enough) {
        let [first, others @ ..] = &self.inputs[..] else { return };
        first.source.visit(|member, score| {
            let mut sum = zero_if_nan(first.weight * score);
            for input in others {
                let Some(score) = input.source.score(member) else { return Enough::No };
                sum = self.aggregate.apply(sum, score * input.weight);
            }
            found(member, sum)
        });
    }

    /// Gives what is in the first input and in no other to `found`.
    fn subtract(&self, mut found: impl FnMut(&[u8], f64)) {
        let [first, others @ ..] = &self.inputs[..] else { return };
        // The biggest is the most likely to have a member.
        let mut others: Vec<&Source> = others.iter().map(|input| &input.source).collect();
        others.sort_by_key(|source| std::cmp::Reverse(source.len()));
        first.source.visit(|member, score| {
            if others.iter().all(|source| source.score(member).is_none()) {
                found(member, score);
            }
            Enough::No
        });
    }
}

//! Packed encodings of small collections, as Redis stores them.

//! Error texts that several commands share.

/// An argument that is not a known word, or stands where none may.
pub(crate) const SYNTAX: &str = "ERR syntax error";
/// An argument that is not a 64-bit integer.
pub(crate) const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
/// A client name with forbidden characters.
pub(crate) const CLIENT_NAME: &str =
    "ERR Client names cannot contain spaces, newlines or special characters.";
/// A timeout below zero.
pub(crate) const NEGATIVE_TIMEOUT: &str = "ERR timeout is negative";
/// A timeout that is no number.
pub(crate) const TIMEOUT: &str = "ERR timeout is not an integer or out of range";
/// A command that has to wait for something, in a transaction.
pub(crate) const NOT_IN_TRANSACTION: &str = "ERR Command not allowed inside a transaction";

//! Sets of flags in a command's metadata, each with the names COMMAND replies for its members.

/// Declares a set of flags over `u32`: its members, the name each is shown by, and the set operations.
macro_rules! flag_set {
    ($(#[$set_doc:meta])* $set:ident { $($(#[$doc:meta])* $member:ident = $bit:literal $(, $shown:literal)?;)+ }) => {
        $(#[$set_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $set(u32);

        impl $set {
            $($(#[$doc])* pub const $member: Self = Self(1 << $bit);)+

            /// Members that COMMAND shows, in the order it shows them.
            pub const SHOWN: &'static [(Self, &'static str)] = &[$($((Self::$member, $shown),)?)+];

            /// The set without members.
            pub const NONE: Self = Self(0);

            /// The union of both sets.
            #[must_use]
            pub const fn and(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Whether the sets have a member in common.
            #[must_use]
            pub const fn has(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Whether the set has no members.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// Names of the members that COMMAND shows.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                Self::SHOWN.iter().filter(move |(member, _)| self.has(*member)).map(|(_, name)| *name)
            }
        }
    };
}

flag_set! {
    /// What a command does and where it is allowed.
    Flags {
        /// May change the data set.
        WRITE = 0, "write";
        /// Reads keys and changes nothing.
        READONLY = 1, "readonly";
        /// Refused when memory is used up.
        DENYOOM = 2, "denyoom";
        /// Administration.
        ADMIN = 3, "admin";
        /// Publish and subscribe.
        PUBSUB = 4, "pubsub";
        /// Not allowed in scripts.
        NOSCRIPT = 5, "noscript";
        /// May block its client.
        BLOCKING = 6, "blocking";
        /// Allowed while the data set is being loaded.
        LOADING = 7, "loading";
        /// Allowed on a replica with stale data.
        STALE = 8, "stale";
        /// Not shown by MONITOR.
        SKIP_MONITOR = 9, "skip_monitor";
        /// Not recorded by the slow log.
        SKIP_SLOWLOG = 10, "skip_slowlog";
        /// Allowed during a cluster redirection.
        ASKING = 11, "asking";
        /// Constant or logarithmic time.
        FAST = 12, "fast";
        /// Allowed before authentication.
        NO_AUTH = 13, "no_auth";
        /// May produce effects although it is not a write.
        MAY_REPLICATE = 14;
        /// Its keys may all be absent.
        NO_MANDATORY_KEYS = 15, "no_mandatory_keys";
        /// Only with the matching `enable-*-command` directive.
        PROTECTED = 16;
        /// Refused during a load that keeps serving.
        NO_ASYNC_LOADING = 17, "no_async_loading";
        /// Not allowed inside MULTI.
        NO_MULTI = 18, "no_multi";
        /// Key positions do not follow from first, last and step alone.
        MOVABLE_KEYS = 19, "movablekeys";
        /// Allowed while a script is stuck.
        ALLOW_BUSY = 20, "allow_busy";
        /// Works on keys it does not name.
        TOUCHES_ARBITRARY_KEYS = 21;
    }
}

flag_set! {
    /// Access-control categories.
    Categories {
        /// Keys as such, whatever their type.
        KEYSPACE = 0, "@keyspace";
        /// Reads data.
        READ = 1, "@read";
        /// Changes data.
        WRITE = 2, "@write";
        /// Sets.
        SET = 3, "@set";
        /// Sorted sets.
        SORTEDSET = 4, "@sortedset";
        /// Lists.
        LIST = 5, "@list";
        /// Hashes.
        HASH = 6, "@hash";
        /// Strings.
        STRING = 7, "@string";
        /// Bitmaps.
        BITMAP = 8, "@bitmap";
        /// HyperLogLog.
        HYPERLOGLOG = 9, "@hyperloglog";
        /// Geographic indexes.
        GEO = 10, "@geo";
        /// Streams.
        STREAM = 11, "@stream";
        /// Publish and subscribe.
        PUBSUB = 12, "@pubsub";
        /// Administration.
        ADMIN = 13, "@admin";
        /// Constant or logarithmic time.
        FAST = 14, "@fast";
        /// Not fast.
        SLOW = 15, "@slow";
        /// May block its client.
        BLOCKING = 16, "@blocking";
        /// Best kept from most users.
        DANGEROUS = 17, "@dangerous";
        /// The connection itself.
        CONNECTION = 18, "@connection";
        /// Transactions.
        TRANSACTION = 19, "@transaction";
        /// Scripts and functions.
        SCRIPTING = 20, "@scripting";
    }
}

flag_set! {
    /// What a command does with a key it names.
    KeyFlags {
        /// Reads the value only.
        RO = 0, "RO";
        /// Reads and changes the value.
        RW = 1, "RW";
        /// Overwrites the value without reading it.
        OW = 2, "OW";
        /// Removes the key.
        RM = 3, "RM";
        /// User data from the value reaches the reply.
        ACCESS = 4, "access";
        /// Changes user data in the value.
        UPDATE = 5, "update";
        /// Adds user data.
        INSERT = 6, "insert";
        /// Removes user data.
        DELETE = 7, "delete";
        /// Not a key, though cluster routing treats it as one.
        NOT_KEY = 8, "not_key";
        /// The specification may miss some keys.
        INCOMPLETE = 9, "incomplete";
        /// The flags depend on the other arguments.
        VARIABLE_FLAGS = 10, "variable_flags";
    }
}

flag_set! {
    /// What COMMAND DOCS says about a command as such.
    DocFlags {
        /// Use something else.
        DEPRECATED = 0, "deprecated";
        /// For internal use.
        SYSCMD = 1, "syscmd";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_declared_order_without_hidden_members() {
        let flags = Flags::FAST.and(Flags::WRITE).and(Flags::PROTECTED);
        assert_eq!(flags.names().collect::<Vec<_>>(), ["write", "fast"]);
        assert!(flags.has(Flags::PROTECTED) && !flags.has(Flags::READONLY));
    }
}

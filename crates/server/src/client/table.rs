//! All clients, by slot and by id.

use std::collections::BTreeMap;

use super::Client;
use crate::net::token::{ClientKey, SLOTS_MAX};

/// Slots with clients. A client is taken out while it is being served, so that the rest of the server can be
/// changed at the same time; its slot stays reserved.
#[derive(Debug, Default)]
pub(crate) struct ClientTable {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_id: BTreeMap<u64, ClientKey>,
    next_id: u64,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    client: Option<Box<Client>>,
}

impl ClientTable {
    /// Reserves a slot and an id for a new client.
    pub(crate) fn reserve(&mut self) -> Option<(ClientKey, u64)> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = u32::try_from(self.slots.len()).ok().filter(|&slot| slot < SLOTS_MAX)?;
                self.slots.push(Slot { generation: 0, client: None });
                slot
            }
        };
        self.next_id += 1;
        let key = ClientKey { slot, generation: self.slots[slot as usize].generation };
        self.by_id.insert(self.next_id, key);
        Some((key, self.next_id))
    }

    /// Takes a client out to serve it; `None` when it is gone or already out.
    pub(crate) fn take(&mut self, key: ClientKey) -> Option<Box<Client>> {
        self.slot_mut(key)?.client.take()
    }

    /// Takes a client out by its id; `None` when it is gone or already out.
    pub(crate) fn take_by_id(&mut self, id: u64) -> Option<Box<Client>> {
        let key = *self.by_id.get(&id)?;
        self.take(key)
    }

    /// Puts a client back into its slot.
    pub(crate) fn put_back(&mut self, client: Box<Client>) {
        let key = client.key;
        if let Some(slot) = self.slot_mut(key) {
            slot.client = Some(client);
        }
    }

    /// Frees the slot of a client that is gone.
    pub(crate) fn release(&mut self, key: ClientKey, id: u64) {
        self.by_id.remove(&id);
        if let Some(slot) = self.slot_mut(key) {
            slot.client = None;
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(key.slot);
        }
    }

    /// A client that is not out.
    pub(crate) fn get(&self, key: ClientKey) -> Option<&Client> {
        let slot = self.slots.get(key.slot as usize)?;
        if slot.generation == key.generation { slot.client.as_deref() } else { None }
    }

    /// The key of the client with this id, whether it is out or not.
    pub(crate) fn key_of(&self, id: u64) -> Option<ClientKey> {
        self.by_id.get(&id).copied()
    }

    /// A client that is not out.
    pub(crate) fn get_mut(&mut self, key: ClientKey) -> Option<&mut Client> {
        self.slot_mut(key)?.client.as_deref_mut()
    }

    /// How many clients are connected.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// All clients that are not out, in order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Client> {
        self.by_id.values().filter_map(|key| self.get(*key))
    }

    /// The id and key of the next client in order of ids, starting over behind the last one.
    pub(crate) fn next_after(&self, id: u64) -> Option<(u64, ClientKey)> {
        let next = self.by_id.range(id + 1..).next().or_else(|| self.by_id.iter().next());
        next.map(|(id, key)| (*id, *key))
    }

    /// The keys of all clients, in order of their ids.
    pub(crate) fn keys(&self) -> Vec<ClientKey> {
        self.by_id.values().copied().collect()
    }

    fn slot_mut(&mut self, key: ClientKey) -> Option<&mut Slot> {
        self.slots.get_mut(key.slot as usize).filter(|slot| slot.generation == key.generation)
    }
}

//! A counted reference to an inode: what keeps an unlinked file alive while it is open.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::world::{InodeId, World};

#[derive(Debug)]
pub(super) struct Handle {
    world: Arc<Mutex<World>>,
    inode: InodeId,
}

impl Handle {
    /// Counts a new handle. Must not be called with the world locked.
    pub(super) fn new(world: &Arc<Mutex<World>>, inode: InodeId) -> Self {
        world.lock().inode_mut(inode).handles += 1;
        Self { world: Arc::clone(world), inode }
    }

    /// Takes over a handle that was counted under a lock that is released by now.
    pub(super) fn adopt(world: &Arc<Mutex<World>>, inode: InodeId) -> Self {
        Self { world: Arc::clone(world), inode }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock()
    }

    pub(super) fn shared_world(&self) -> &Arc<Mutex<World>> {
        &self.world
    }

    pub(super) fn inode(&self) -> InodeId {
        self.inode
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Self::new(&self.world, self.inode)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut world = self.world.lock();
        let inode = world.inode_mut(self.inode);
        inode.handles -= 1;
        if inode.handles == 0 && inode.links == 0 {
            world.forget_unreachable();
        }
    }
}

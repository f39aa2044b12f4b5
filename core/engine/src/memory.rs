//! What agents remember. It belongs to no run: a put happens when it is asked, and a fork or a deleted run takes nothing back.

use agnt5_store::{NewRecord, Shelf, ShelfNum, Store, unit, words};
use bytes::Bytes;

use crate::engine::{Engine, Handled};
use crate::error::Refusal;
use crate::request::Reply;

/// Bytes of one value. Memory is for what an agent says and knows, not for files.
pub const LARGEST_VALUE: usize = 1 << 20;
/// Records that go in one transaction: all runs of the store wait for it.
const PAGE: u32 = 250;
/// Numbers of one vector.
const LONGEST_VECTOR: usize = 8_192;

/// A record to be put on the shelf of this namespace and kind.
#[derive(Clone, Debug, Default)]
pub struct Remember {
    pub namespace: String,
    pub kind: String,
    pub id: String,
    pub label: String,
    pub value: Bytes,
    /// What it shall be found by.
    pub text: String,
    /// Empty: none.
    pub vector: Vec<f32>,
    /// What made the vector.
    pub embedder: String,
    /// Records that the shelf may hold; what was used longest ago goes. 0: no limit.
    pub capacity: u64,
    /// Put it only if the record with this id has this revision; 0: only if there is none.
    pub expect: Option<u64>,
}

#[derive(Clone, Debug)]
pub enum MemoryChange {
    /// `Changed(false)` when `expect` does not hold.
    Put(Remember),
    /// `Changed`: whether the order of use is another now.
    Use { namespace: String, kind: String, id: String },
    /// `Changed`: whether it was there.
    Delete { namespace: String, kind: String, id: String },
    /// `Count` of what went, a page: asked until it is 0. Another embedder may fill the shelf afterwards.
    Clear { namespace: String, kind: String },
}

impl<S: Store> Engine<S> {
    pub(crate) fn remember(&mut self, change: MemoryChange) -> Handled<Reply> {
        match change {
            MemoryChange::Put(put) => self.put(put),
            MemoryChange::Use { namespace, kind, id } => {
                let Some(shelf) = self.store.shelf(&namespace, &kind)? else {
                    return Ok(Reply::Changed(false));
                };
                let moved = self.store.use_record(shelf.num, &id)?;
                self.dirty |= moved;
                Ok(Reply::Changed(moved))
            }
            MemoryChange::Delete { namespace, kind, id } => {
                let Some(shelf) = self.store.shelf(&namespace, &kind)? else {
                    return Ok(Reply::Changed(false));
                };
                let deleted = self.store.delete_record(shelf.num, &id)?;
                self.dirty |= deleted;
                Ok(Reply::Changed(deleted))
            }
            MemoryChange::Clear { namespace, kind } => {
                let Some(shelf) = self.store.shelf(&namespace, &kind)? else {
                    return Ok(Reply::Count(0));
                };
                let count = self.store.clear_shelf(shelf.num, PAGE)?;
                self.dirty = true;
                Ok(Reply::Count(count))
            }
        }
    }

    fn put(&mut self, put: Remember) -> Handled<Reply> {
        refuse_unusable(&put)?;
        let shelf = self.store.shelf(&put.namespace, &put.kind)?;
        if let Some(expected) = put.expect {
            let held = match &shelf {
                Some(shelf) => self.store.record(shelf.num, &put.id)?,
                None => None,
            };
            if held.map_or(0, |record| record.revision) != expected {
                return Ok(Reply::Changed(false));
            }
        }
        let vector = unit(&put.vector);
        let held = shelf.as_ref().map_or(0, |shelf| shelf.count);
        let num = self.shelf_for(shelf, &put, vector.as_ref().map_or(0, Vec::len))?;
        let record = NewRecord {
            id: put.id,
            label: put.label,
            value: put.value,
            words: words(&put.text).join(" "),
            vector,
            at: self.now,
        };
        self.store.put_record(num, &record)?;
        if put.capacity > 0 {
            // A bound that is far lower than it was is reached by several puts.
            self.store.trim_records(num, put.capacity.max(held.saturating_sub(PAGE.into())))?;
        }
        self.dirty = true;
        Ok(Reply::Changed(true))
    }

    /// The shelf, made if need be; the first vector says what makes all of its vectors.
    fn shelf_for(&mut self, shelf: Option<Shelf>, put: &Remember, dimension: usize) -> Handled<ShelfNum> {
        let (namespace, kind) = (&put.namespace, &put.kind);
        let Some(shelf) = shelf else {
            let embedder = if dimension == 0 { "" } else { &put.embedder };
            return Ok(self.store.put_shelf(namespace, kind, embedder, dimension as u32)?);
        };
        if dimension > 0 {
            if let Some(clash) = shelf.clash(&put.embedder, dimension) {
                return Err(Refusal::new("ConfigurationError", clash).into());
            }
            if shelf.embedder.is_empty() {
                return Ok(self.store.put_shelf(namespace, kind, &put.embedder, dimension as u32)?);
            }
        }
        Ok(shelf.num)
    }
}

fn refuse_unusable(put: &Remember) -> Result<(), Refusal> {
    let what = format!("the {} memory of namespace {:?}", put.kind, put.namespace);
    if put.value.len() > LARGEST_VALUE {
        let (bytes, id) = (put.value.len(), &put.id);
        let message = format!(
            "{what} cannot hold {id:?}: it takes {bytes} bytes, and {LARGEST_VALUE} is the limit. Write it to a file and \
             remember the path"
        );
        return Err(Refusal::new("SerializationError", message));
    }
    if put.vector.len() > LONGEST_VECTOR || (!put.vector.is_empty() && put.embedder.is_empty()) {
        let message = format!(
            "{what} takes named vectors of at most {LONGEST_VECTOR} numbers, not {}",
            put.vector.len()
        );
        return Err(Refusal::new("ConfigurationError", message));
    }
    Ok(())
}

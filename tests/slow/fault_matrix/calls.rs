//! Remote calls, each in a situation that leads to it.

/// A remote call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Sign-in with a new key.
    SignIn,
    /// The operator's own sign-in, for a new key.
    Token,
    /// Read of the empty slot, for a new key.
    ReadSlot,
    /// Read of the key that a person uploaded, which is identical to the source's.
    ReadContent,
    /// Upload into the empty slot.
    Put,
    /// Adoption of the key that a person uploaded.
    Adopt,
    /// Release of the adopted key when its object is deleted.
    Release,
    /// Deletion of the key of a deleted object.
    Delete,
    /// Sign-in with the key in the slot, of a settled object.
    SettledSignIn,
    /// The operator's own sign-in, for a settled object.
    SettledToken,
    /// Read of the slot, for a settled object.
    SettledReadSlot,
}

impl Call {
    /// All calls, in the order of the columns of the table.
    pub const ALL: [Self; 11] = [
        Self::SignIn,
        Self::Token,
        Self::ReadSlot,
        Self::ReadContent,
        Self::Put,
        Self::Adopt,
        Self::Release,
        Self::Delete,
        Self::SettledSignIn,
        Self::SettledToken,
        Self::SettledReadSlot,
    ];

    /// Returns the name as it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign in",
            Self::Token => "token",
            Self::ReadSlot => "read slot",
            Self::ReadContent => "read content",
            Self::Put => "put",
            Self::Adopt => "adopt",
            Self::Release => "release",
            Self::Delete => "delete",
            Self::SettledSignIn => "settled sign in",
            Self::SettledToken => "settled token",
            Self::SettledReadSlot => "settled read slot",
        }
    }

    /// Returns the name of the call in the journal of the simulator.
    pub fn kind(self) -> &'static str {
        match self {
            Self::SignIn | Self::SettledSignIn => "SignIn",
            Self::Token | Self::SettledToken => "LandscapeToken",
            Self::ReadSlot | Self::SettledReadSlot => "ReadSlot",
            Self::ReadContent => "ReadContent",
            Self::Put => "Put",
            Self::Adopt | Self::Release => "Patch",
            Self::Delete => "Delete",
        }
    }

    /// Returns the pending operation that is recorded before the call, if it is a write.
    pub fn pending_operation(self) -> Option<&'static str> {
        match self {
            Self::Put => Some("Upload"),
            Self::Adopt => Some("Adopt"),
            Self::Release => Some("Release"),
            Self::Delete => Some("Delete"),
            _ => None,
        }
    }

    /// Returns true if the object was settled before the fault, and only its check is requested.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::SettledSignIn | Self::SettledToken | Self::SettledReadSlot)
    }

    /// Returns true if a token endpoint answers the call.
    pub fn is_sign_in(self) -> bool {
        ["SignIn", "LandscapeToken"].contains(&self.kind())
    }

    /// Returns true if the call is made because the object is deleted.
    pub fn is_deletion(self) -> bool {
        matches!(self, Self::Release | Self::Delete)
    }

    /// Returns all writes that take effect in a cell of this call.
    pub fn writes(self) -> &'static [&'static str] {
        match self {
            Self::ReadContent | Self::Adopt => &["+Patch"],
            Self::Release => &["+Patch", "+Patch"],
            Self::Delete => &["+Put", "+Delete"],
            _ => &["+Put"],
        }
    }

    /// Returns the number of these writes that take effect before the fault.
    pub fn writes_before(self) -> usize {
        match self {
            Self::Release | Self::Delete | Self::SettledSignIn | Self::SettledToken | Self::SettledReadSlot => 1,
            _ => 0,
        }
    }
}

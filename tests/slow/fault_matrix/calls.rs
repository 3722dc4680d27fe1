//! The remote calls, each in a situation that leads to it.

/// A remote call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The sign-in with a new key.
    SignIn,
    /// The operator's own sign-in, for a new key.
    Token,
    /// The look at the slot, which is empty, for a new key.
    ReadSlot,
    /// The look at the key that a person put there, which is the very same.
    ReadContent,
    /// The upload into the empty slot.
    Put,
    /// That the key which a person put there becomes ours.
    Adopt,
    /// That it is left there when its object is deleted.
    Release,
    /// The deletion of the key of an object that is deleted.
    Delete,
    /// The sign-in with a key that stands in the slot, when all is well.
    SettledSignIn,
    /// The operator's own sign-in, when all is well.
    SettledToken,
    /// The look at the slot, when all is well.
    SettledReadSlot,
}

impl Call {
    /// All of them, as the columns of the table.
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

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign in",
            Self::Token => "token",
            Self::ReadSlot => "read slot",
            Self::ReadContent => "read content",
            Self::Put => "put",
            Self::Adopt => "take over",
            Self::Release => "give up",
            Self::Delete => "delete",
            Self::SettledSignIn => "settled sign in",
            Self::SettledToken => "settled token",
            Self::SettledReadSlot => "settled read slot",
        }
    }

    /// What the simulator calls it.
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

    /// What is recorded as pending before it; none if it is no write.
    pub fn recorded(self) -> Option<&'static str> {
        match self {
            Self::Put => Some("Upload"),
            Self::Adopt => Some("Adopt"),
            Self::Release => Some("Release"),
            Self::Delete => Some("Delete"),
            _ => None,
        }
    }

    /// Whether all was well before the fault, and nothing is asked for but a look.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::SettledSignIn | Self::SettledToken | Self::SettledReadSlot)
    }

    /// Whether a token endpoint answers it.
    pub fn is_sign_in(self) -> bool {
        ["SignIn", "LandscapeToken"].contains(&self.kind())
    }

    /// Whether it is made because the object is deleted.
    pub fn is_deletion(self) -> bool {
        matches!(self, Self::Release | Self::Delete)
    }

    /// The writes that take effect in such a cell, all in all.
    pub fn effects(self) -> &'static [&'static str] {
        match self {
            Self::ReadContent | Self::Adopt => &["+Patch"],
            Self::Release => &["+Patch", "+Patch"],
            Self::Delete => &["+Put", "+Delete"],
            _ => &["+Put"],
        }
    }

    /// Those of them that took effect before the fault.
    pub fn effects_before(self) -> usize {
        match self {
            Self::Release | Self::Delete | Self::SettledSignIn | Self::SettledToken | Self::SettledReadSlot => 1,
            _ => 0,
        }
    }
}

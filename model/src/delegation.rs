//! A delegation: what a resident lets a portal of the state hand over for some weeks, and the states that asking for it goes through.
//!
//! The resident agrees at the portal with their card, item by item. Before that the portal asks us whether whoever came to it is who
//! signed in here; after that it collects from those who hold the records, which may take minutes or fail at night.

/// Why nothing is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Denial {
    /// The resident did not agree.
    Declined = 1,
    /// Whoever came to the portal is not who signed in here.
    AnotherPerson = 2,
    /// Nothing is known here by which that could be told.
    NotKnownHere = 3,
}

/// Why it came to an end without records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Broken {
    /// The portal could not collect them; it may work later.
    NotCollected = 1,
    /// What came is nothing that is read here.
    NotReadable = 2,
    /// What came is about somebody else.
    Anothers = 3,
}

/// Where a delegation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DelegationState {
    /// Begun here; the portal does not know of it yet.
    Created,
    /// The resident is at the portal.
    Redirected,
    /// It is asked whether it is the same person.
    VerifyIdentity,
    /// It is; the resident is at the portal again, or has agreed there already.
    Verified,
    /// The resident agreed.
    Consented,
    /// The portal collects.
    Collecting,
    /// It can be fetched.
    Ready,
    /// It was fetched, and is fetched again from time to time.
    Fetched,
    /// Nothing is handed over.
    Denied(Denial),
    /// Its time is over.
    Expired,
    /// It came to nothing.
    Failed(Broken),
    /// The resident ended it.
    Ended,
}

/// What happens to a delegation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelegationEvent {
    /// The browser was sent to the portal.
    Sent,
    /// It is asked whether it is the same person.
    Asked,
    /// It is.
    Confirmed,
    /// The resident came back and agreed.
    Agreed,
    /// The portal says that it collects.
    Collects,
    /// The portal has it, or it is time to fetch it again.
    HasIt,
    /// It was fetched and stored.
    Stored,
    /// Nothing is handed over.
    Denied(Denial),
    /// Its time is over.
    RanOut,
    /// It came to nothing.
    Broke(Broken),
    /// The resident ends it.
    Ended,
}

impl DelegationState {
    /// The state after an event; `None` where it cannot happen.
    pub fn after(self, event: DelegationEvent) -> Option<Self> {
        use DelegationEvent as Event;
        if self.is_over() {
            return None;
        }
        match (self, event) {
            (_, Event::Ended) => Some(Self::Ended),
            (_, Event::RanOut) => Some(Self::Expired),
            (_, Event::Broke(why)) => Some(Self::Failed(why)),
            // Once it was fetched nobody says no any more: that is called its end.
            (Self::Ready | Self::Fetched, Event::Denied(_)) => None,
            (_, Event::Denied(why)) => Some(Self::Denied(why)),
            (Self::Created, Event::Sent) => Some(Self::Redirected),
            (Self::Redirected, Event::Asked) => Some(Self::VerifyIdentity),
            (Self::VerifyIdentity, Event::Confirmed) => Some(Self::Verified),
            (Self::Verified, Event::Agreed) => Some(Self::Consented),
            (Self::Consented | Self::Collecting, Event::Collects) => Some(Self::Collecting),
            (Self::Consented | Self::Collecting | Self::Ready | Self::Fetched, Event::HasIt) => Some(Self::Ready),
            (Self::Ready, Event::Stored) => Some(Self::Fetched),
            _ => None,
        }
    }

    /// True where nothing leads on.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Denied(_) | Self::Expired | Self::Failed(_) | Self::Ended)
    }

    /// True from the resident's agreeing on, until its end.
    pub const fn is_agreed(self) -> bool {
        matches!(self, Self::Consented | Self::Collecting | Self::Ready | Self::Fetched)
    }

    /// Its number and that of its reason, as stored.
    pub const fn numbers(self) -> (u8, Option<u8>) {
        match self {
            Self::Created => (1, None),
            Self::Redirected => (2, None),
            Self::VerifyIdentity => (3, None),
            Self::Verified => (4, None),
            Self::Consented => (5, None),
            Self::Collecting => (6, None),
            Self::Ready => (7, None),
            Self::Fetched => (8, None),
            Self::Denied(why) => (9, Some(why as u8)),
            Self::Expired => (10, None),
            Self::Failed(why) => (11, Some(why as u8)),
            Self::Ended => (12, None),
        }
    }

    /// The state with these numbers.
    pub fn from_numbers(state: u8, why: Option<u8>) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.numbers() == (state, why))
    }

    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Created,
        Self::Redirected,
        Self::VerifyIdentity,
        Self::Verified,
        Self::Consented,
        Self::Collecting,
        Self::Ready,
        Self::Fetched,
        Self::Denied(Denial::Declined),
        Self::Denied(Denial::AnotherPerson),
        Self::Denied(Denial::NotKnownHere),
        Self::Expired,
        Self::Failed(Broken::NotCollected),
        Self::Failed(Broken::NotReadable),
        Self::Failed(Broken::Anothers),
        Self::Ended,
    ];

    /// A word for it, in keys of texts and in logs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Created | Self::Redirected | Self::VerifyIdentity | Self::Verified => "redirected",
            Self::Consented | Self::Collecting | Self::Ready => "collecting",
            Self::Fetched => "fetched",
            Self::Denied(Denial::Declined) => "declined",
            Self::Denied(Denial::AnotherPerson) => "another-person",
            Self::Denied(Denial::NotKnownHere) => "not-known-here",
            Self::Expired => "expired",
            Self::Failed(Broken::NotCollected) => "not-collected",
            Self::Failed(Broken::NotReadable) => "not-readable",
            Self::Failed(Broken::Anothers) => "anothers",
            Self::Ended => "ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use DelegationEvent as Event;
    use DelegationState as State;

    use super::*;

    #[test]
    fn the_way_that_is_meant_leads_from_the_beginning_to_records_and_round() {
        let way = [
            (Event::Sent, State::Redirected),
            (Event::Asked, State::VerifyIdentity),
            (Event::Confirmed, State::Verified),
            (Event::Agreed, State::Consented),
            (Event::Collects, State::Collecting),
            (Event::Collects, State::Collecting),
            (Event::HasIt, State::Ready),
            (Event::Stored, State::Fetched),
            (Event::HasIt, State::Ready),
            (Event::Stored, State::Fetched),
            (Event::RanOut, State::Expired),
        ];
        let mut state = State::Created;
        for (event, next) in way {
            assert_eq!(state.after(event), Some(next), "{state:?} {event:?}");
            state = next;
        }
    }

    #[test]
    fn every_state_meets_every_event() {
        // By place in ALL: Created, Redirected, VerifyIdentity, Verified, Consented, Collecting, Ready, Fetched.
        let cases = [
            (Event::Sent, "+-------"),
            (Event::Asked, "-+------"),
            (Event::Confirmed, "--+-----"),
            (Event::Agreed, "---+----"),
            (Event::Collects, "----++--"),
            (Event::HasIt, "----++++"),
            (Event::Stored, "------+-"),
            (Event::Denied(Denial::Declined), "++++++--"),
            (Event::RanOut, "++++++++"),
            (Event::Broke(Broken::NotCollected), "++++++++"),
            (Event::Ended, "++++++++"),
        ];
        for (event, row) in cases {
            let met: String = State::ALL
                .iter()
                .map(|state| if state.after(event).is_some() { '+' } else { '-' })
                .collect();
            assert_eq!(met, format!("{row}--------"), "{event:?}");
        }
    }

    #[test]
    fn nothing_is_agreed_to_before_the_identity_was_confirmed() {
        for state in [State::Created, State::Redirected, State::VerifyIdentity] {
            assert_eq!(state.after(Event::Agreed), None, "{state:?}");
        }
    }

    #[test]
    fn states_read_back() {
        for state in State::ALL {
            let (number, why) = state.numbers();
            assert_eq!(State::from_numbers(number, why), Some(state));
        }
        assert_eq!(State::from_numbers(9, None), None);
        assert_eq!(State::from_numbers(13, None), None);
    }
}

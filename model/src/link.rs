//! A link: a resident's connection to a vendor's cloud, and the states it goes through.

/// What stands between a link and its data, and only the resident can mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Need {
    /// The vendor takes our tokens no more: agree there again.
    AgreeAgain = 1,
    /// The vendor knows the account, and it holds no health data yet: finish setting it up there.
    FinishThere = 2,
    /// None of what was allowed there can be read here: agree again, with at least one box ticked.
    AllowSomething = 3,
    /// This vendor's service has ended: connect its successor.
    ConnectSuccessor = 4,
}

impl Need {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::AgreeAgain,
        Self::FinishThere,
        Self::AllowSomething,
        Self::ConnectSuccessor,
    ];

    /// The need with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|need| *need as u8 == number)
    }

    /// A word for it, in keys of texts and in logs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::AgreeAgain => "agree-again",
            Self::FinishThere => "finish-there",
            Self::AllowSomething => "allow-something",
            Self::ConnectSuccessor => "connect-successor",
        }
    }
}

/// Where a link is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// Data is fetched.
    Connected,
    /// Nothing is fetched until the resident does something.
    NeedsAttention(Need),
    /// The resident holds it: nothing is fetched, and it goes on when they say so.
    Paused,
    /// The resident ended it. Nothing leads out of here; connecting again is a new link.
    Ended,
}

/// What happens to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// The resident agreed at the vendor, again.
    Agreed,
    /// The vendor refuses in a way that only the resident can mend.
    Refused(Need),
    /// The resident holds it.
    Held,
    /// The resident lets it go on.
    Resumed,
    /// The resident ends it.
    Ended,
}

impl LinkState {
    /// The state after an event; `None` where it cannot happen.
    pub fn after(self, event: LinkEvent) -> Option<Self> {
        match (self, event) {
            (Self::Ended, _) => None,
            (_, LinkEvent::Ended) => Some(Self::Ended),
            (_, LinkEvent::Agreed) => Some(Self::Connected),
            // A refusal that comes while it is held waits until it goes on.
            (Self::Paused, LinkEvent::Refused(_)) => None,
            (_, LinkEvent::Refused(need)) => Some(Self::NeedsAttention(need)),
            (Self::Connected | Self::NeedsAttention(_), LinkEvent::Held) => Some(Self::Paused),
            (Self::Paused, LinkEvent::Resumed) => Some(Self::Connected),
            (Self::Paused, LinkEvent::Held) | (Self::Connected | Self::NeedsAttention(_), LinkEvent::Resumed) => None,
        }
    }

    /// True while data is fetched.
    pub fn is_connected(self) -> bool {
        self == Self::Connected
    }

    /// A word for it, in keys of texts and in logs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::NeedsAttention(_) => "needs-attention",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: LinkState = LinkState::NeedsAttention(Need::AgreeAgain);

    #[test]
    fn every_state_meets_every_event() {
        use LinkEvent as Event;
        use LinkState::{Connected, Ended, Paused};
        let refused = Event::Refused(Need::AgreeAgain);
        let cases = [
            (
                Connected,
                [Some(Connected), Some(NEEDS), Some(Paused), None, Some(Ended)],
            ),
            (NEEDS, [Some(Connected), Some(NEEDS), Some(Paused), None, Some(Ended)]),
            (Paused, [Some(Connected), None, None, Some(Connected), Some(Ended)]),
            (Ended, [None, None, None, None, None]),
        ];
        let events = [Event::Agreed, refused, Event::Held, Event::Resumed, Event::Ended];
        for (state, expected) in cases {
            assert_eq!(events.map(|event| state.after(event)), expected, "{state:?}");
        }
    }

    #[test]
    fn needs_read_back() {
        for number in 0..=u8::MAX {
            assert!(Need::from_number(number).is_none_or(|need| need as u8 == number));
        }
        assert_eq!(Need::from_number(4), Some(Need::ConnectSuccessor));
    }
}

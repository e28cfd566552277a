//! How types of `model` look in stored consents: numbers as numbers, categories by their key.

macro_rules! as_number {
    ($name:ident, $wrapper:path, $inner:ty) => {
        pub(crate) mod $name {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            pub(crate) fn serialize<S: Serializer>(value: &$wrapper, serializer: S) -> Result<S::Ok, S::Error> {
                value.0.serialize(serializer)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$wrapper, D::Error> {
                <$inner>::deserialize(deserializer).map($wrapper)
            }
        }
    };
}

macro_rules! as_number_or_none {
    ($name:ident, $wrapper:path, $inner:ty) => {
        pub(crate) mod $name {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            pub(crate) fn serialize<S: Serializer>(value: &Option<$wrapper>, serializer: S) -> Result<S::Ok, S::Error> {
                value.map(|value| value.0).serialize(serializer)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<$wrapper>, D::Error> {
                Option::<$inner>::deserialize(deserializer).map(|number| number.map($wrapper))
            }
        }
    };
}

as_number!(person, model::PersonId, u32);
as_number!(recipient, model::RecipientId, u32);
as_number!(instant, model::UtcMillis, i64);
as_number_or_none!(optional_instant, model::UtcMillis, i64);
as_number_or_none!(optional_day, model::LocalDay, i32);
as_number_or_none!(optional_recipient, model::RecipientId, u32);

pub(crate) mod category {
    use model::ConsentCategory;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
    use std::borrow::Cow;

    pub(crate) fn serialize<S: Serializer>(value: &ConsentCategory, serializer: S) -> Result<S::Ok, S::Error> {
        value.key().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ConsentCategory, D::Error> {
        let key = Cow::<str>::deserialize(deserializer)?;
        ConsentCategory::from_key(&key).ok_or_else(|| de::Error::custom("no such consent category"))
    }
}

//! Cards through the interface of their maker, as Burn has them.

use burn::tensor::{Device, DeviceType};

use super::cube::{describe, open_gpus, open_once};
use super::found::{Found, Rank, listed};
use super::limit::{ASKING, OPENING, within};
use super::{DeviceClass, DeviceError, DeviceInfo, DeviceName, OpenDevice};

#[derive(Debug, Clone, Copy)]
pub(super) enum Maker {
    #[cfg(feature = "cuda")]
    Cuda,
    #[cfg(feature = "rocm")]
    Rocm,
}

impl Maker {
    fn name(self, index: usize) -> DeviceName {
        match self {
            #[cfg(feature = "cuda")]
            Self::Cuda => DeviceName::Cuda(Some(index)),
            #[cfg(feature = "rocm")]
            Self::Rocm => DeviceName::Rocm(Some(index)),
        }
    }

    fn devices(self) -> usize {
        let kind = match self {
            #[cfg(feature = "cuda")]
            Self::Cuda => DeviceType::Cuda,
            #[cfg(feature = "rocm")]
            Self::Rocm => DeviceType::Rocm,
        };
        Device::enumerate(kind).into_iter().count()
    }

    fn make(self, index: usize) -> Device {
        match self {
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::cuda(index),
            #[cfg(feature = "rocm")]
            Self::Rocm => Device::rocm(index),
        }
    }
}

/// The cards of a maker.
pub(super) fn found(maker: Maker) -> Result<Vec<Found>, DeviceError> {
    let name = maker.name(0).to_string();
    within(ASKING, &name, move || {
        let open = open_gpus();
        let card = |index| {
            let name = maker.name(index).to_string();
            let known = open.iter().find(|open| open.info.name == name).map(|open| open.info.clone());
            let info = known.unwrap_or_else(|| DeviceInfo::new(name, DeviceClass::Gpu));
            Found { info, rank: Rank::Discrete }
        };
        Ok((0..maker.devices()).map(card).collect())
    })
}

/// Opens a card, the first where none is said.
pub(super) fn open(name: &DeviceName, maker: Maker, index: Option<usize>) -> Result<OpenDevice, DeviceError> {
    let (name, index, cards) = (name.to_string(), index.unwrap_or(0), found(maker)?);
    let Some(card) = cards.get(index) else {
        return Err(DeviceError::NotThere { name, there: listed(&cards) });
    };
    let mut info = card.info.clone();
    within(OPENING, &name, move || {
        open_once(&info.name.clone(), || {
            let device = maker.make(index);
            describe(&device, &mut info);
            Ok(OpenDevice { device, info, reason: None })
        })
    })
}

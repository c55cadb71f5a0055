"""Mistakes one can watch: each done wrong and done right on digits, side by side."""

from loupe.pitfalls.gallery import write_gallery as write_gallery
from loupe.pitfalls.gallery import write_pitfall as write_pitfall
from loupe.pitfalls.registry import PITFALLS as PITFALLS
from loupe.pitfalls.registry import TellTale as TellTale
from loupe.pitfalls.registry import register_pitfall as register_pitfall
from loupe.pitfalls.side import Pair as Pair
from loupe.pitfalls.side import Side as Side
from loupe.pitfalls.side import watch as watch

"""Settings that several optimizers share, with their ranges and meanings."""

from typing import Annotated

from pydantic import Field

LearningRate = Annotated[
    float, Field(gt=0, description="Largest learning rate; the schedule scales it down.")
]
Momentum = Annotated[float, Field(ge=0, lt=1, description="Part of the last update kept, in [0, 1).")]
Beta = Annotated[float, Field(ge=0, lt=1, description="Decay of a running moment, in [0, 1).")]
L2Decay = Annotated[float, Field(ge=0, description="L2 penalty: this times the weight joins its gradient.")]
DecoupledDecay = Annotated[
    float, Field(ge=0, description="Decoupled decay: weights shrink by learning rate x this each step.")
]
NormFactor = Annotated[
    float,
    Field(
        gt=0,
        le=10_000,
        description="Rate of norms' scales and shifts, as a multiple of the learning rate, > 0; their decay "
        "in a step stays that of the rest.",
    ),
]

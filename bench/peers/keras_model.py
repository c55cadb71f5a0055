"""Keras' `fit` over arrays in memory; KERAS_BACKEND says which backend."""

import os
from collections.abc import Callable

import keras
import numpy as np
from keras import layers
from protocol import BATCH_SIZE, LEARNING_RATE, NUM_CLASSES, Data, serve


def prepare(data: Data) -> Callable[[], float]:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(12, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(80, activation="relu"),
            layers.Dense(NUM_CLASSES),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(LEARNING_RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    images, held_out = (np.moveaxis(one, 1, -1) for one in (data.train_images, data.images))

    def run_epoch() -> float:
        model.fit(images, data.train_labels, batch_size=BATCH_SIZE, epochs=1, verbose=0)
        _, accuracy = model.evaluate(held_out, data.labels, batch_size=500, verbose=0)
        return float(accuracy)

    return run_epoch


if __name__ == "__main__":
    backend = os.environ.get("KERAS_BACKEND", "jax")
    serve(prepare, "keras", backend)

import loupe


class Printing(loupe.Observer):
    def on_epoch_end(self, state) -> None:
        print(state.epoch, state.history[-1].validation_loss)


loupe.train("digits", "train.epochs=2", "model.width=1", observers=[Printing()])

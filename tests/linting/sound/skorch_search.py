"""A skorch classifier in a scikit-learn grid search."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring
from torch import nn


class Digits(nn.Module):
    def __init__(self, hidden=64, dropout=0.2):
        super().__init__()
        self.hidden = nn.Linear(64, hidden)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, 10)

    def forward(self, X):
        X = torch.relu(self.hidden(X))
        X = self.dropout(X)
        return self.output(X)


torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
net = NeuralNetClassifier(
    Digits,
    criterion=nn.CrossEntropyLoss,
    max_epochs=20,
    lr=0.1,
    iterator_train__shuffle=True,
    callbacks=[EpochScoring("accuracy", lower_is_better=False)],
    verbose=0,
)
grid = GridSearchCV(
    net, {"lr": [0.05, 0.1], "module__hidden": [32, 64]}, cv=StratifiedKFold(3, shuffle=True, random_state=0)
)
grid.fit(X_train, y_train)
best_params = grid.best_params_
print(best_params, grid.best_score_)
predicted = grid.predict(X_test)
cm = confusion_matrix(y_test, predicted, normalize="true")
ConfusionMatrixDisplay(cm).plot()
print("test accuracy", (predicted == y_test).mean())

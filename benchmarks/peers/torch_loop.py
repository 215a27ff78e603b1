"""PyTorch, as its tutorials show it: a DataLoader loop with running loss and accuracy; for text, slices of streams."""

import math
import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.clock import Clock

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}
LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Train with a loop.

    Args:
        spec: `shape` and `file` from benchmarks/peers/prepare.py, `epochs`, and perhaps another `learning_rate`.
    """
    began = time.perf_counter()
    shape, file = spec["shape"], np.load(spec["file"])
    x, y = torch.from_numpy(file["x"]), torch.from_numpy(file["y"])
    order = file["order"]
    loaded = time.perf_counter()
    model = (network(shape) if shape["cell"] is None else LanguageModel(shape)).to(DEVICE)
    set_weights(model, shape, file)
    built = time.perf_counter()

    clock = Clock(len(x) * shape["units_per_row"])
    rate = spec.get("learning_rate", shape["learning_rate"])
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if shape["optimizer"] == "Adam":
        optimizer: torch.optim.Optimizer = torch.optim.Adam(trained, lr=rate)
        optimizer.register_step_pre_hook(KerasEpsilon())
    else:
        optimizer = torch.optim.SGD(trained, lr=rate)
    losses = []
    for epoch in range(spec["epochs"]):
        print(f"Epoch {epoch + 1}\n-------------------------------")
        clock.epoch_begins()
        if shape["cell"] is None:
            rows = order[epoch % len(order)].tolist()
            loader = DataLoader(TensorDataset(x, y), batch_size=shape["batch_size"], sampler=rows)
            losses.append(train_examples(loader, model, criterion(shape), optimizer))
        else:
            losses.append(train_streams(x, y.long(), shape["batch_size"], model, optimizer))
        clock.epoch_is_trained()
        clock.epoch_ends()
    return {
        "data_seconds": loaded - began,
        "build_seconds": built - loaded,
        **clock.values(),
        "losses": losses,
    }


def train_examples(loader: DataLoader, model: nn.Module, loss_fn: nn.Module, optimizer: torch.optim.Optimizer) -> float:
    """Train on every batch once and return the mean loss; shows loss and accuracy every 100 batches."""
    model.train()
    total, correct, seen = 0.0, 0.0, 0
    for number, (x, y) in enumerate(loader):
        x, y = x.to(DEVICE), y.to(DEVICE)
        prediction = model(x)
        loss = loss_fn(prediction, y.long() if prediction.shape[-1] > 1 else y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

        total += loss.item() * len(x)
        seen += len(x)
        right = prediction.argmax(1) == y if prediction.shape[-1] > 1 else (prediction > 0.5) == (y > 0.5)
        correct += right.float().sum().item()
        if number % 100 == 0:
            print(f"loss: {total / seen:>7f}  accuracy: {correct / seen:>6.3f}  [{number:>5d}/{len(loader):>5d}]")
    return total / seen


def train_streams(
    x: torch.Tensor, y: torch.Tensor, batch_size: int, model: nn.Module, optimizer: torch.optim.Optimizer
) -> float:
    """Read all streams once, a slice at a time, with the state carried and detached; return the mean loss."""
    model.train()
    loss_fn = nn.CrossEntropyLoss()
    state, total, batches = None, 0.0, 0
    for start in range(0, len(x), batch_size):
        inputs, targets = x[start : start + batch_size].to(DEVICE), y[start : start + batch_size].to(DEVICE)
        logits, state = model(inputs, state)
        state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        loss = loss_fn(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

        if batches % 100 == 0:
            print(f"loss: {loss.item():>7f}  [{start:>5d}/{len(x):>5d}]")
        total += loss.item()
        batches += 1
    return total / batches


class KerasEpsilon:
    """Give Adam the epsilon of Keras, which stands beside the root before its bias is corrected, not after.

    Rare words have gradients so small that the first steps of a language model depend on it: without this, the
    perplexity after 30 steps differs by 15 %.
    """

    def __init__(self) -> None:
        self._step = 0

    def __call__(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """Set epsilon for the step that comes."""
        self._step += 1
        for group in optimizer.param_groups:
            group["eps"] = 1e-7 / math.sqrt(1 - group["betas"][1] ** self._step)


class LanguageModel(nn.Module):
    """An embedding, stacked recurrent layers and a linear layer over the vocabulary.

    PyTorch's LSTM and RNN have two biases that are added, and train both, which doubles the rate of what is one bias
    in Keras: the second one stays at zero here. Its GRU uses them apart, as Keras's does.
    """

    def __init__(self, shape: dict[str, Any]):
        super().__init__()
        self.embedding = nn.Embedding(shape["outputs"], shape["embedding"])
        self.recurrent = LAYERS[shape["cell"]](
            shape["embedding"], shape["units"], num_layers=shape["layers"], batch_first=True
        )
        self.output = nn.Linear(shape["units"], shape["outputs"])
        if shape["cell"] != "gru":
            for name, parameter in self.recurrent.named_parameters():
                if name.startswith("bias_hh"):
                    nn.init.zeros_(parameter).requires_grad_(False)

    def forward(self, tokens: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Return the logits [batch, time, vocabulary] and the new state."""
        features, state = self.recurrent(self.embedding(tokens), state)
        return self.output(features), state


def network(shape: dict[str, Any]) -> nn.Module:
    """Return a fully connected network."""
    layers: list[nn.Module] = []
    width = shape["features"]
    for units in shape["hidden"]:
        layers += [nn.Linear(width, units), ACTIVATIONS[shape["activation"]]()]
        width = units
    layers.append(nn.Linear(width, shape["outputs"]))
    if shape["output"] == "probabilities":
        layers.append(nn.Sigmoid())
    return nn.Sequential(*layers)


def criterion(shape: dict[str, Any]) -> nn.Module:
    """Return the loss that goes with the outputs."""
    if shape["output"] == "values":
        return nn.MSELoss()
    return nn.CrossEntropyLoss() if shape["outputs"] > 1 else nn.BCELoss()


def set_weights(model: nn.Module, shape: dict[str, Any], file: Any) -> None:
    """Give a model Keras's initial weights: kernels transposed, the GRU's gates z, r, h in PyTorch's order r, z, n."""
    with torch.no_grad():
        if shape["cell"] is None:
            names = [*(f"hidden_{depth}" for depth in range(1, len(shape["hidden"]) + 1)), "output"]
            linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
            for name, layer in zip(names, linear, strict=True):
                _copy(layer.weight, file[f"{name}/kernel"].T)
                _copy(layer.bias, file[f"{name}/bias"])
            return
        assert isinstance(model, LanguageModel)
        _copy(model.embedding.weight, file["embedding/embeddings"])
        _copy(model.output.weight, file["output/kernel"].T)
        _copy(model.output.bias, file["output/bias"])
        for depth in range(shape["layers"]):
            name, at = f"{shape['cell']}_{depth + 1}", f"_l{depth}"
            parameters = dict(model.recurrent.named_parameters())
            biases = file[f"{name}/bias"]
            if shape["cell"] != "gru":
                biases = np.stack([biases, np.zeros_like(biases)])
            values = [file[f"{name}/kernel"].T, file[f"{name}/recurrent_kernel"].T, *biases]
            for kind, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), values, strict=True):
                if shape["cell"] == "gru":
                    update, reset, new = np.split(value, 3)
                    value = np.concatenate([reset, update, new])
                _copy(parameters[kind + at], value)


def _copy(parameter: torch.Tensor, value: np.ndarray) -> None:
    parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))

"""One contract over all export formats: what is written gives what the graph gives, however many at once."""

from pathlib import Path

import pytest
import torch
from torch import nn

from loupe.data.normalization import Normalization
from loupe.exporting import EXPORT_FORMATS, build_export_format
from loupe.exporting.graph import OUTPUTS, PackagedNetwork, trace_network
from loupe.models import build_model

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("objective", ["classification", "reconstruction"])
@pytest.mark.parametrize("name", EXPORT_FORMATS.names())
@pytest.mark.filterwarnings("ignore")  # torch's own on reading
def test_contract(name: str, objective: str, tmp_path: Path) -> None:
    is_classifier = objective == "classification"
    given = {"in_channels": 1, "image_size": (8, 8), "num_classes": 10}
    network: nn.Module = build_model("mlp" if is_classifier else "autoencoder", **given).eval()
    normalization = Normalization((0.5,), (0.25,))
    program = trace_network(network, normalization, objective, in_channels=1, image_size=(8, 8))
    form, facts = build_export_format(name), EXPORT_FORMATS.facts(name)
    assert facts["suffix"].startswith(".")
    assert facts["suffix"] == facts["suffix"].casefold()
    file = tmp_path / f"network{facts['suffix']}"
    form.write(file, program, OUTPUTS[objective], {"class_names": '["a"]', "recipe": "name = 'ä'"})
    assert list(tmp_path.iterdir()) == [file]
    images = torch.randint(0, 256, (7, 1, 8, 8), dtype=torch.uint8)
    with torch.no_grad():
        expected = PackagedNetwork(network, normalization, objective).eval()(images)
    for batch_size in (1, 3, 7):
        found = form.run(file, images, batch_size)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    use = form.show_use(file.name, is_classifier=is_classifier)
    code = "\n".join((*use.imports, *use.lines))
    compile(code, "use", "exec")
    assert file.name in code
    assert ("probabilities" if is_classifier else "reconstruction") in code

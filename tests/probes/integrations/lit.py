"""A small LightningModule, for whichever name Lightning is imported by, and a quiet Trainer."""

import numpy as np
import torch

from tests.probes.training import DIRECTIONS, network, recorder

TAPS = {"model.0.weight": DIRECTIONS}
BATCHES = torch.randn(8, 4, 6, generator=torch.Generator().manual_seed(1))


def module_class(framework):
    class Module(framework.LightningModule):
        def __init__(self):
            super().__init__()
            self.model, _ = network()
            self.seen = []  # the tapped weight as each batch finds it

        def training_step(self, batch, batch_idx):
            torch.manual_seed(batch_idx)  # Lightning does not restore random numbers, which dropout draws
            self.seen.append(self.model[0].weight.detach().float().numpy().copy())
            loss = self.model(batch).square().mean()
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch, batch_idx):
            self.log("val_loss", self.model(batch).square().mean())

        test_step = validation_step

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters(), lr=0.01)

        @property
        def correlations(self):
            """What a log should hold of every batch, and of the end."""
            weights = np.stack([*self.seen, self.model[0].weight.detach().numpy()])
            return np.einsum("snd,fvd->snfv", weights, DIRECTIONS.vectors.numpy())

    return Module


def adversarial_class(framework):
    class Adversarial(module_class(framework)):
        """Two optimizers that take turns, as in a GAN."""

        automatic_optimization = False

        def training_step(self, batch, batch_idx):
            self.seen.append(self.model[0].weight.detach().clone().numpy())
            for sign, optimizer in zip((1, -1), self.optimizers(), strict=True):
                optimizer.zero_grad()
                self.manual_backward(sign * self.model(batch).square().mean())
                optimizer.step()

        def configure_optimizers(self):
            return [torch.optim.SGD(layer.parameters(), lr=0.1) for layer in (self.model[0], self.model[3])]

    return Adversarial


def trainer(framework, path, *callbacks, **options):
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    usual = {"max_epochs": 1, "enable_checkpointing": False, "devices": 1, "default_root_dir": path.parent}
    return framework.Trainer(callbacks=list(callbacks), **usual | quiet | options)


def lit_recorder(path, **options):
    return recorder(path, TAPS, **options)

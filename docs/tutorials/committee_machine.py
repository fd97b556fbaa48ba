"""Which unit of a soft committee machine takes which unit of its teacher? D. Saad and S. A. Solla, PRE 52, 4225 (1995).

python docs/tutorials/committee_machine.py && probes analyze runs/committee_machine --out report
"""

import argparse

import torch

import probes

UNITS, DIM, BATCH, RATE = 8, 100, 10, 0.03


class Committee(torch.nn.Module):
    """The sum of erf units."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(DIM, UNITS, bias=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return one number per sample."""
        return torch.erf(self.hidden(inputs) / 2**0.5).sum(1)


def train(teacher: Committee, seed: int, steps: int, out: str) -> None:
    """Train one student online, that is, on new samples at every step, and record its overlaps with the teacher."""
    torch.manual_seed(seed)
    student = Committee()
    torch.nn.init.normal_(student.hidden.weight, std=0.1 / DIM**0.5)
    optimizer = torch.optim.SGD(student.parameters(), lr=RATE)

    units = probes.Directions(teacher.hidden.weight, names=("teacher_unit",))
    taps = {"hidden.weight": units}
    recorder = probes.Recorder(f"{out}/seed-{seed}", taps, schedule=probes.every(10), seeds={"run": seed})
    with recorder.attach(student, optimizer):
        for _ in range(steps):
            inputs = torch.randn(BATCH, DIM)
            error = (student(inputs) - teacher(inputs)).square().mean() / 2
            recorder.log(error=error)
            optimizer.zero_grad()
            error.backward()
            optimizer.step()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="two students, stopped on the plateau")
    parser.add_argument("--out", default="runs/committee_machine")
    options = parser.parse_args()

    torch.manual_seed(12345)  # one teacher for all students
    teacher = Committee().requires_grad_(False)
    torch.nn.init.orthogonal_(teacher.hidden.weight)
    for seed in range(2 if options.quick else 12):
        train(teacher, seed, 2000 if options.quick else 12000, options.out)

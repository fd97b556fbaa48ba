"""Devices that do what they are told late, and in the worst order that streams and events allow; the host is fast."""

import math
from collections import deque
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode

from probes.measuring.transfer import Lane

NOTHING = {torch.int64: -1}  # what stands in memory before something is put there


class Event:
    """Done once the stream that records it has come that far."""

    def __init__(self, stream):
        self.stream, self.done = stream, False

    def synchronize(self):
        self.stream.device.machine.waits += 1
        self.stream.reach(self)


class Stream:
    """Orders one after the other; between streams only events decide."""

    def __init__(self, device):
        self.device, self.orders = device, deque()

    def record_event(self):
        event = Event(self)
        self.orders.append(("record", event))
        return event

    def wait_stream(self, other):
        self.orders.append(("wait", other.record_event()))

    def work(self):
        """Carry out the next order; False where it has to wait for another stream, or there is none."""
        if not self.orders or (self.orders[0][0] == "wait" and not self.orders[0][1].done):
            return False
        kind, what = self.orders.popleft()
        if kind == "record":
            what.done = True
        elif kind == "copy":
            with torch._C.DisableTorchFunction():
                what[0].copy_(what[1])
        return True

    def reach(self, event):
        """Do no more than what an event needs."""
        while not event.done:
            if not self.work():
                blocking = self.orders[0][1]
                blocking.stream.reach(blocking)


class Device:
    """What `torch.cuda` is for one device."""

    def __init__(self, machine):
        self.machine, self.streams, self.captures = machine, [], False
        self.now = self.Stream()

    def Stream(self, device=None):  # noqa: N802 - torch's name
        self.streams.append(Stream(self))
        return self.streams[-1]

    def current_stream(self, device):
        return self.now

    @contextmanager
    def stream(self, stream):
        before, self.now = self.now, stream
        yield
        self.now = before

    def is_current_stream_capturing(self):
        return self.captures


class Machine(TorchFunctionMode):
    """Devices whose memory is the host's, but only told what to do with it; what the host may not do is an error.

    ``eager(count)`` says how many orders devices carry out whenever one is given, each of a stream that chance picks.
    """

    def __init__(self, monkeypatch, chance, eager=0.0, lane=Lane):
        super().__init__()
        self.chance, self.eager, self.waits, self.used = chance, eager, 0, []
        self.devices, self.lanes, self.places = {}, {}, {}
        for number in range(2):
            device = torch.device("cuda", number)
            self.devices[device] = Device(self)
            self.lanes[device] = lane(device, self.devices[device])
        for module in ("ring", "numbers"):
            monkeypatch.setattr(f"probes.measuring.{module}.lane_of", self.lanes.get)
        monkeypatch.setattr(torch.Tensor, "record_stream", lambda *pair: self.used.append(pair))

    def of(self, tensor):
        return self.places.get(tensor.untyped_storage().data_ptr())

    def put(self, tensor, number=0):
        """A copy of a tensor on a device, where it is at once."""
        with torch._C.DisableTorchFunction():
            there = tensor.clone()
        self.places[there.untyped_storage().data_ptr()] = torch.device("cuda", number), there
        return there

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        place = self.of(args[0])[0] if args and isinstance(args[0], torch.Tensor) and self.of(args[0]) else None
        name = getattr(func, "__name__", "")
        if place and func == torch.Tensor.device.__get__:
            return place
        if name == "empty" and kwargs.get("device"):
            return self.made(func, args, kwargs)
        if name == "copy_" and (place or self.of(args[1])):
            return self.order(*args[:2])
        if name in {"cat", "clone"}:
            return self.computed(func, args)
        if place and name in {"numpy", "item", "tolist", "cpu", "__float__", "__bool__"}:
            raise AssertionError(f"the host waits for a device: {name}")
        return func(*args, **kwargs)

    def made(self, func, args, kwargs):
        """Memory, with nothing of use in it."""
        device = torch.device(kwargs.pop("device"))
        kwargs.pop("pin_memory", None)
        with torch._C.DisableTorchFunction():
            memory = func(*args, **kwargs).fill_(NOTHING.get(kwargs["dtype"], math.nan))
        if device.type != "cpu":
            self.places[memory.untyped_storage().data_ptr()] = device, memory
        return memory

    def computed(self, func, args):
        """A result that a device will have later."""
        parts = args[0] if isinstance(args[0], list) else [args[0]]
        known = self.of(parts[0])
        with torch._C.DisableTorchFunction():
            result = func(*args)
        if known is None:
            return result
        later = self.put(torch.full_like(result, NOTHING.get(result.dtype, math.nan)), known[0].index)
        start = 0
        for part in parts:
            flat = later.view(-1)[start : start + part.numel()]
            self.order(flat, part.reshape(-1), known[0])
            start += part.numel()
        return later

    def order(self, target, source, place=None):
        """Have a device copy at its time: that of memory that one of both is in."""
        device = self.devices[place or (self.of(source) or self.of(target))[0]]
        device.now.orders.append(("copy", (target, source)))
        for _ in range(8):
            if self.chance.random() < self.eager:
                self.chance.choice(device.streams).work()
        return target

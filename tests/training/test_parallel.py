import pytest
import torch
from training.parallel import Replicas


def network() -> torch.nn.Module:
    torch.manual_seed(4)
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_gradients_are_those_of_the_whole_batch(threads: int) -> None:
    x = torch.linspace(-1, 2, 24).reshape(8, 3)
    whole = network()
    whole(x).square().mean().backward()
    replicas = Replicas(network(), threads)
    for _ in range(2):
        replicas.network.zero_grad()
        loss = replicas.gradients(list(x.split(2)), lambda net, part: net(part).square().mean())
    assert loss == pytest.approx(float(whole(x).square().mean().detach()))
    for ours, theirs in zip(replicas.network.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_copies_follow_a_step_of_the_optimiser() -> None:
    replicas = Replicas(network(), 2)
    optimiser = torch.optim.SGD(replicas.network.parameters(), lr=0.5)
    replicas.gradients([torch.ones(1, 3), torch.zeros(1, 3)], lambda net, part: net(part).sum())
    optimiser.step()
    replicas.follow()
    answers = {float(a) for a in replicas.map([torch.ones(1, 3)] * 16, lambda net, part: net(part).detach())}
    assert len(answers) == 1
    assert answers == {float(replicas.network(torch.ones(1, 3)).detach())}

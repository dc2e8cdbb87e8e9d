"""Recurrent layers: the LSTM family, its cells, attention, and cells by name."""

from ._kernels import recurrence
from ._plugins import list_cells, recurrent, register_cell
from .attention import AdditiveAttention
from .coupled_gate import CoupledGateLSTM, CoupledGateLSTMCell
from .gru import GRU, GRUCell
from .lstm import LSTM, LSTMCell
from .peephole import PeepholeLSTM, PeepholeLSTMCell
from .projection import ProjectedLSTM, ProjectedLSTMCell
from .simple_rnn import SimpleRNN, SimpleRNNCell

__all__ = [
    "GRU",
    "LSTM",
    "AdditiveAttention",
    "CoupledGateLSTM",
    "CoupledGateLSTMCell",
    "GRUCell",
    "LSTMCell",
    "PeepholeLSTM",
    "PeepholeLSTMCell",
    "ProjectedLSTM",
    "ProjectedLSTMCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "list_cells",
    "recurrence",
    "recurrent",
    "register_cell",
]

"""Memory distillation: how the teacher relates a window to stored patterns [paper idea; form ours].

Shape legend: B batch, M stored patterns, H association width.
"""

from torch import Tensor
from torch.nn import functional as F


def memory_loss(student: tuple[Tensor, Tensor], teacher: tuple[Tensor, Tensor], retrieval: float) -> Tensor:
    """KL(A_T || A_S) + lambda_r ||m_S - m_T||^2 / H over shared patterns; docs/method.md#memory.

    Args:
        student: Log-association (B, M) and retrieved value (B, H).
        teacher: The same of the teacher, detached.
        retrieval: lambda_r, not negative.

    Returns:
        Scalar, mean over the batch.
    """
    log_student, retrieved_student = student
    log_teacher, retrieved_teacher = teacher
    relation = F.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)
    return relation + retrieval * F.mse_loss(retrieved_student, retrieved_teacher)

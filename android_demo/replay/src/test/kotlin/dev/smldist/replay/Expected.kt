package dev.smldist.replay

import dev.smldist.sensing.JsonFile
import dev.smldist.sensing.ModelFile
import kotlinx.serialization.Serializable
import java.io.File

/**
 * What Python computed with one model from some windows.
 *
 * @property runtime that Python ran the model in, with its version
 * @property step one 8-bit step of the logits; null where all arithmetic is float
 * @property logits a row of K scores for each window
 * @property labels of the largest logit, for each window
 */
@Serializable
data class ExpectedModel(
    val path: String,
    val sha256: String,
    val runtime: String,
    val step: Float?,
    val logits: List<FloatArray>,
    val labels: List<String>,
)

/**
 * A build's answers to a replay and to its golden pack, as `python -m tests.replay.logits` writes them.
 *
 * @property replay its name; null where none was made for the build's contract
 */
class Expected(
    val replay: String?,
    private val models: Map<String, ExpectedModel>,
    private val golden: Map<String, ExpectedModel>,
) {
    /** The answers of [model] to the replay; an error where they are of another file. */
    fun of(model: ModelFile): ExpectedModel = find(models, model)

    /** The answers of [model] to the golden pack. */
    fun ofGolden(model: ModelFile): ExpectedModel = find(golden, model)

    private fun find(
        answers: Map<String, ExpectedModel>,
        model: ModelFile,
    ): ExpectedModel {
        val found = answers[model.path]
        check(found?.sha256 == model.sha256) {
            "Python ran ${model.path} with SHA-256 ${found?.sha256}, the assets hold ${model.sha256}: $AGAIN"
        }
        return checkNotNull(found)
    }

    companion object {
        private const val AGAIN = "write them again, python -m tests.replay.logits BUILD OUT.json"

        fun read(file: File): Expected {
            check(file.isFile) { "Python's answers, $file, are missing: $AGAIN" }
            val answers = JsonFile(file.name, file.readText()).read(Answered.serializer())
            val (models, golden) = listOf(answers.models, answers.golden).map { rows -> rows.associateBy { it.path } }
            return Expected(answers.replay, models, golden)
        }
    }
}

/** What `python -m tests.replay.logits` writes. */
@Serializable
private class Answered(
    val replay: String?,
    val models: List<ExpectedModel>,
    val golden: List<ExpectedModel>,
)

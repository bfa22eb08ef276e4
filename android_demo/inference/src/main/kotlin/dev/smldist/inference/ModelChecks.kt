package dev.smldist.inference

import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.SensorContract

/** Where windows enter and logits leave a model file. */
public const val INPUT: String = "imu"
public const val OUTPUT: String = "logits"

/**
 * Oldest runtime that has the model's operators, in the numbers of that runtime.
 *
 * @throws ModelException the manifest names no version
 */
public fun ModelFile.oldestRuntime(): Version =
    Version.find(runtime.substringAfter("since ", runtime))
        ?: throw ModelException("$path: '$runtime' names no version of a runtime: build the target again")

/**
 * Refuses a runtime that is older than the model's operators.
 *
 * @param version what the runtime says of itself, for example `2.16.1`
 * @throws ModelException the runtime is older, or names no version
 */
public fun ModelFile.requireRuntime(
    name: String,
    version: String,
) {
    val found =
        Version.find(version)
            ?: throw ModelException("$name calls its version '$version', expected numbers such as 2.16.1")
    val oldest = oldestRuntime()
    if (found < oldest) {
        throw ModelException("$path needs $name $oldest or newer, this app holds $found: update its dependency")
    }
}

/**
 * Refuses a file that is not the manifest's.
 *
 * @throws ModelException another size or another SHA-256
 */
public fun ModelFile.requireContent(content: ByteArray) {
    if (content.size.toLong() != sizeBytes) {
        throw ModelException("$path has ${content.size} bytes, the manifest expects $sizeBytes: $REINSTALL")
    }
    requireSha256(path, content, sha256)
}

/**
 * Refuses a model whose tensors, as its manifest describes them, are not those of the contract.
 *
 * @param input the sizes of the input's axes that the target's layout gives the contract's window
 * @throws ModelException another number of tensors, or another shape or type
 */
public fun ModelFile.requireTensors(
    contract: SensorContract,
    input: List<Int>,
) {
    val expected = listOf(Triple(INPUT, input, FLOAT), Triple(OUTPUT, listOf(1, contract.labels.size), FLOAT))
    val found = (inputs + outputs).map { Triple(it.name, it.shape, it.dtype) }
    if (found != expected) {
        throw ModelException("$path has tensors $found, the contract needs $expected: build the target again")
    }
}

private const val FLOAT = "float32"

/** A version as numbers, compared from the left; what follows them, such as `-rc1`, does not count. */
public data class Version(
    val parts: List<Int>,
) : Comparable<Version> {
    override fun compareTo(other: Version): Int {
        for (index in 0 until maxOf(parts.size, other.parts.size)) {
            val order = parts.getOrElse(index) { 0 }.compareTo(other.parts.getOrElse(index) { 0 })
            if (order != 0) return order
        }
        return 0
    }

    override fun toString(): String = parts.joinToString(".")

    public companion object {
        private val NUMBERS = Regex("""\d{1,6}(\.\d{1,6})+""")

        /** The first version in a text; null without one. */
        public fun find(text: String): Version? =
            NUMBERS.find(text)?.let { Version(it.value.split('.').map(String::toInt)) }
    }
}

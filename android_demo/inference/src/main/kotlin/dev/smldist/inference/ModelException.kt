package dev.smldist.inference

import java.security.MessageDigest

/** A model or asset that must not be used; one line: what was got, what was expected, what to do. */
public open class ModelException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)

/** This app holds no runtime for a model, which may be sound. */
public class RuntimeMissingException(
    message: String,
    cause: Throwable? = null,
) : ModelException(message, cause)

internal const val REINSTALL = "build the app again from a complete factory build, or install it again"

/** SHA-256, hexadecimal. */
public fun sha256(content: ByteArray): String =
    MessageDigest.getInstance("SHA-256").digest(content).joinToString("") { "%02x".format(it) }

internal fun requireSha256(
    path: String,
    content: ByteArray,
    expected: String,
) {
    val found = sha256(content)
    if (found != expected) {
        throw ModelException("$path has SHA-256 ${found.take(12)}, expected ${expected.take(12)}: $REINSTALL")
    }
}

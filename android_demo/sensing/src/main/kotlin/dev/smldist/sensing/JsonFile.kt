package dev.smldist.sensing

import kotlinx.serialization.DeserializationStrategy
import kotlinx.serialization.SerializationException
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.descriptors.SerialKind
import kotlinx.serialization.descriptors.StructureKind
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.doubleOrNull
import kotlinx.serialization.json.floatOrNull
import kotlinx.serialization.json.intOrNull
import kotlinx.serialization.json.longOrNull

/**
 * A JSON file of a build as serialisable classes. Keys that a class does not have are skipped: later builds of the same
 * schema version add some.
 *
 * kotlinx.serialization takes "50" for a number, and its messages name byte offsets: the types are therefore compared with
 * the class's descriptor first, and a message names the place and what belongs there.
 *
 * @param name what errors call the file
 * @throws ContractException [text] is not JSON
 */
public class JsonFile(
    private val name: String,
    text: String,
) {
    private val top: JsonElement =
        try {
            FORMAT.parseToJsonElement(text)
        } catch (error: SerializationException) {
            throw ContractException("$name is not JSON: ${error.message?.lineSequence()?.first()}")
        }

    /**
     * The file as [type].
     *
     * @throws ContractException a field is missing or of another type
     */
    public fun <T> read(type: DeserializationStrategy<T>): T {
        requireType(name, top, type.descriptor)
        return FORMAT.decodeFromJsonElement(type, top)
    }

    private companion object {
        val FORMAT = Json { ignoreUnknownKeys = true }
    }
}

/** Refuses [value], which stands at [path], in the words of [expected]. */
internal fun wrong(
    path: String,
    value: Any,
    expected: String,
): ContractException = ContractException("$path is ${shown(value)}, expected $expected")

private const val SHOWN = 60

private fun shown(value: Any): String {
    val text =
        when (value) {
            is String -> JsonPrimitive(value).toString()
            is Double -> value.toString().removeSuffix(".0")
            else -> value.toString()
        }
    return if (text.length > SHOWN) text.take(SHOWN) + "..." else text
}

private fun requireType(
    path: String,
    value: JsonElement,
    type: SerialDescriptor,
) {
    if (type.isNullable && value is JsonNull) return
    when (val kind = type.kind) {
        StructureKind.CLASS -> requireFields(path, value, type)
        StructureKind.LIST -> requireItems(path, value, type.getElementDescriptor(0))
        SerialKind.ENUM -> requireChoice(path, value, List(type.elementsCount, type::getElementName))
        is PrimitiveKind -> requirePrimitive(path, value, kind)
        else -> Unit // a JsonElement, which may be anything
    }
}

private fun requireFields(
    path: String,
    value: JsonElement,
    type: SerialDescriptor,
) {
    val fields = value as? JsonObject ?: throw wrong(path, value, "an object")
    for (index in 0 until type.elementsCount) {
        val key = type.getElementName(index)
        val field = fields[key]
        if (field != null) {
            requireType("$path.$key", field, type.getElementDescriptor(index))
        } else if (!type.isElementOptional(index)) {
            throw ContractException("$path.$key is missing")
        }
    }
}

private fun requireItems(
    path: String,
    value: JsonElement,
    type: SerialDescriptor,
) {
    val items = value as? JsonArray ?: throw wrong(path, value, "a list")
    items.forEachIndexed { index, item -> requireType("$path[$index]", item, type) }
}

private fun requireChoice(
    path: String,
    value: JsonElement,
    among: List<String>,
) {
    requirePrimitive(path, value, PrimitiveKind.STRING)
    if ((value as JsonPrimitive).content !in among) throw wrong(path, value, "one of ${among.joinToString()}")
}

private fun requirePrimitive(
    path: String,
    value: JsonElement,
    kind: PrimitiveKind,
) {
    val text = (value as? JsonPrimitive)?.takeIf { it.isString }
    val bare = (value as? JsonPrimitive)?.takeIf { !it.isString }
    val (fits, expected) =
        when (kind) {
            PrimitiveKind.STRING -> (text != null) to "a text"
            PrimitiveKind.BOOLEAN -> (bare?.booleanOrNull != null) to "true or false"
            PrimitiveKind.INT -> (bare?.intOrNull != null) to "a whole number"
            PrimitiveKind.LONG -> (bare?.longOrNull != null) to "a whole number"
            PrimitiveKind.FLOAT -> (bare?.floatOrNull?.isFinite() == true) to "a number"
            PrimitiveKind.DOUBLE -> (bare?.doubleOrNull?.isFinite() == true) to "a number"
            else -> error("$path: $kind is no type of a build's files")
        }
    if (!fits) throw wrong(path, value, expected)
}

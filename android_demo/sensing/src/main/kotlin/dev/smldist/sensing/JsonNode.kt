package dev.smldist.sensing

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.doubleOrNull
import kotlinx.serialization.json.intOrNull
import kotlinx.serialization.json.longOrNull

/** A JSON value and where it stands in its file, so that an error can say so. Never converts one type into another. */
internal class JsonNode private constructor(
    private val path: String,
    private val element: JsonElement,
) {
    /** The value of [key]; an absent key is an error. */
    operator fun get(key: String): JsonNode = find(key) ?: throw ContractException("$path.$key is missing")

    /** The value of [key], or null where the key is absent. */
    fun find(key: String): JsonNode? {
        val fields = element as? JsonObject ?: throw wrong("an object")
        return fields[key]?.let { JsonNode("$path.$key", it) }
    }

    fun items(): List<JsonNode> {
        val items = element as? JsonArray ?: throw wrong("a list")
        return items.mapIndexed { index, item -> JsonNode("$path[$index]", item) }
    }

    fun text(): String = primitive("a text").takeIf { it.isString }?.content ?: throw wrong("a text")

    fun flag(): Boolean = bare()?.booleanOrNull ?: throw wrong("true or false")

    fun int(): Int = bare()?.intOrNull ?: throw wrong("a whole number")

    fun long(): Long = bare()?.longOrNull ?: throw wrong("a whole number")

    fun number(): Double = bare()?.doubleOrNull?.takeIf { it.isFinite() } ?: throw wrong("a number")

    fun isNull(): Boolean = element is JsonNull

    /** Refuses the value in the words of [expected]. */
    fun wrong(expected: String): ContractException {
        val shown = element.toString().let { if (it.length > SHOWN) it.take(SHOWN) + "..." else it }
        return ContractException("$path is $shown, expected $expected")
    }

    private fun primitive(expected: String): JsonPrimitive = element as? JsonPrimitive ?: throw wrong(expected)

    private fun bare(): JsonPrimitive? = (element as? JsonPrimitive)?.takeIf { !it.isString }

    companion object {
        private const val SHOWN = 60

        /** The top of [text], which errors call [file]. */
        fun parse(
            file: String,
            text: String,
        ): JsonNode =
            try {
                JsonNode(file, Json.parseToJsonElement(text))
            } catch (error: SerializationException) {
                throw ContractException("$file is not JSON: ${error.message?.lineSequence()?.first()}")
            }
    }
}

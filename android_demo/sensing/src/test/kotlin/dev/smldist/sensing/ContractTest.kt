package dev.smldist.sensing

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource

class ContractTest {
    private val json = Replay("watch").contractJson
    private val manifest = manifestOf(Replay("watch"), maxGapS = 0.25)

    @Test
    fun `a contract of the factory is read whole`() {
        val contract = SensorContract.fromContract(json, maxGapS = 0.1)

        assertEquals(listOf(Quantity.ACCELEROMETER, Quantity.GYROSCOPE), contract.quantities)
        assertEquals(listOf(50.0, 2.56), listOf(contract.rateHz, contract.windowS))
        assertEquals(listOf(128, 64, 6, 7), contract.run { listOf(length, hop, channels.size, labels.size) })
        assertEquals("acc_x", contract.channels[0].name)
        assertEquals(Axis.Z, contract.channels[5].axis)
        assertEquals(listOf(6, -0.778857409954071), contract.trainedMean.run { listOf(size, first()) })
        contract.requirePhone()
    }

    @Test
    fun `a manifest gives contract, gap and models`() {
        val build = BuildManifest.parse(manifest)

        assertEquals(SensorContract.fromContract(json, 0.25), build.contract)
        assertEquals(build.contract, SensorContract.fromManifest(manifest))
        val model = build.model("tflite", "fp32")
        assertEquals(listOf(1, 1, 128, 6), model.inputs.single().shape)
        assertEquals(191469L, model.sizeBytes)
        val error = assertThrows(ContractException::class.java) { build.model("tflite", "int8_static") }
        assertEquals("the build holds no tflite file in int8_static: it has tflite fp32", error.message)
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = [
            "\"schema_version\": 1 | \"schema_version\": 2 | schema_version is 2, expected 1: update this library",
            "\"schema_version\": 1 | \"schema_version\": \"1\" | schema_version is \"1\", expected a whole number",
            "\"rate_hz\": 50.0, | '' | contract.json.window.rate_hz is missing",
            "\"rate_hz\": 50.0 | \"rate_hz\": \"50\" | window.rate_hz is \"50\", expected a number",
            "\"rate_hz\": 50.0 | \"rate_hz\": 0.0 | expected a rate above 0",
            "\"length\": 128 | \"length\": 128.5 | window.length is 128.5, expected a whole number",
            "\"length\": 128 | \"length\": 4 | expected a whole number from 8 to 4096",
            "\"hop\": 64 | \"hop\": 0 | expected a whole number from 1 to 4096",
            "\"labels\": [ | \"labels\": [7, | window.labels[0] is 7, expected a text",
            "\"abduction\" | \"pendulum\" | expected at least 2, each name once",
            "\"acc_y\" | \"acc_x\" | expected at least 1, each name once",
            "\"axis\": \"x\" | \"axis\": \"w\" | channels[0].axis is \"w\", expected one of x, y, z",
            "\"quantity\": \"gyroscope\" | \"quantity\": \"compass\" | expected one of accelerometer, gyroscope",
            "\"unit\": \"m/s^2\" | \"unit\": \"g\" | expected m/s^2, the SI unit of accelerometer",
            "\"gravity\": true | \"gravity\": 1 | channels[0].gravity is 1, expected true or false",
            "\"gravity\": true | \"gravity\": false | expected true without phone_obstacles",
            "\"filters\": [] | \"filters\": [{}] | expected no filters without phone_obstacles",
            "\"linear_by_timestamp\" | \"none\" | expected \"linear_by_timestamp\" without phone_obstacles",
            "\"placement\": \"wrist\" | \"placement\": \"ankle\" | expected one placement without phone_obstacles",
            "\"phone_obstacles\": [] | \"phone_obstacles\": {} | phone_obstacles is {}, expected a list",
            "-0.778857409954071, | '' | expected 6 numbers, one a channel",
        ],
    )
    fun `a mutated contract is refused in words`(
        original: String,
        mutation: String,
        message: String,
    ) {
        assertTrue(original in json) { "the contract holds no $original" }
        val mutated = json.replaceFirst(original, mutation)

        val error = assertThrows(ContractException::class.java) { SensorContract.fromContract(mutated, 0.1) }

        assertTrue(message in error.message!!) { "said: ${error.message}" }
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = [
            "\"max_gap_s\": 0.25 | \"max_gap_s\": 0 | recipe.data.max_gap_s is 0, expected seconds above 0",
            "\"max_gap_s\": 0.25 | \"gap\": 1 | manifest.json.recipe.data.max_gap_s is missing",
            "\"recipe\" | \"recipes\" | manifest.json.recipe is missing",
            "0a0a | 0A0A | expected 64 hex digits",
            "[1, 7] | [1, null] | artifacts[0].outputs[0].shape[1] is null, expected a whole number",
            "191469 | 191469.0 | size_bytes is 191469.0, expected a whole number",
        ],
    )
    fun `a mutated manifest is refused in words`(
        original: String,
        mutation: String,
        message: String,
    ) {
        assertTrue(original in manifest) { "the manifest holds no $original" }

        val error =
            assertThrows(ContractException::class.java) {
                BuildManifest.parse(manifest.replaceFirst(original, mutation))
            }

        assertTrue(message in error.message!!) { "said: ${error.message}" }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = ["{ | is not JSON", "[] | is [], expected an object", "'' | is not JSON"])
    fun `what is no contract is said to be none`(
        text: String,
        message: String,
    ) {
        val error = assertThrows(ContractException::class.java) { SensorContract.fromContract(text, 0.1) }

        assertTrue(message in error.message!!) { "said: ${error.message}" }
    }

    @Test
    fun `a truncated contract is said to be none`() {
        val error = assertThrows(ContractException::class.java) { SensorContract.fromContract(json.dropLast(40), 0.1) }

        assertTrue("contract.json is not JSON" in error.message!!) { "said: ${error.message}" }
    }

    @Test
    fun `a contract with obstacles is read and refused for a phone`() {
        val obstacle = json.replace("\"phone_obstacles\": []", "\"phone_obstacles\": [\"needs filter median\"]")
        val contract = SensorContract.fromContract(obstacle.replace("\"filters\": []", "\"filters\": [{}]"), 0.1)

        val error = assertThrows(ContractException::class.java) { SensorPipeline(contract) {} }

        assertTrue("a phone cannot feed the model 'watch': needs filter median" in error.message!!)
    }
}

package dev.smldist.executorch

import dev.smldist.inference.GoldenWindows
import dev.smldist.inference.ModelException
import dev.smldist.inference.Pack
import dev.smldist.sensing.ModelFile
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

/** The shipped .pte files through the app's own classifier, run by the real C++ runtime; skipped without any. */
class ExecuTorchClassifierTest {
    @TempDir
    lateinit var folder: File

    private val assets = File(checkNotNull(System.getProperty("smldist.assets")))
    private val pack = Pack.read { File(assets, it).readBytes() }
    private val contract = pack.manifest.contract
    private val models = pack.models.filter { it.target == "executorch" }

    @BeforeEach
    fun needsFiles() {
        assumeTrue(models.isNotEmpty(), "the build holds no .pte: export it with --target executorch")
    }

    private fun open(
        model: ModelFile,
        content: ByteArray = pack.file(model.path),
        version: String = "1.5.1",
    ) = ExecuTorchClassifier(model, contract, File(folder, "model.pte").apply { writeBytes(content) }, version)

    @Test
    fun `every model passes its self-test`() {
        for (model in models) {
            val result = open(model).use { pack.selfTest(model).run(it) }
            assertTrue(result.passed, "${model.path}: $result")
        }
    }

    @Test
    fun `fp32 gives the reference logits`() {
        val golden = GoldenWindows.read(pack.file("selftest.npz"))
        val logits = FloatArray(contract.labels.size)
        open(models.first { it.precision == "fp32" }).use {
            for (index in 0 until golden.size) {
                it.classify(golden.x[index], logits)
                assertArrayEquals(golden.logits!![index], logits, 1e-4f)
            }
        }
    }

    @Test
    fun `a changed or truncated file and an older runtime are refused before they are loaded`() {
        val content = pack.file(models[0].path)
        assertThrows(ModelException::class.java) { open(models[0], content.copyOf(content.size - 1)) }
        content[content.size / 2]++
        assertThrows(ModelException::class.java) { open(models[0], content) }
        val older = assertThrows(ModelException::class.java) { open(models[0], version = "1.4.0") }
        assertTrue("1.5.1" in older.message!!, older.message)
    }
}

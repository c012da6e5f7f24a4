package metal

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"structs"

	"github.com/ebitengine/purego"
	"github.com/ebitengine/purego/objc"
)

// mtlSize is MTLSize, which Objective-C takes by value.
type mtlSize struct {
	_                    structs.HostLayout
	width, height, depth uint64
}

// Values of Metal's enumerations.
const (
	familyApple7 = 1007 // MTLGPUFamilyApple7: M1
	familyApple9 = 1009 // MTLGPUFamilyApple9: M3
	familyMac2   = 2002 // MTLGPUFamilyMac2

	languageVersion31 = 3<<16 | 1 // MTLLanguageVersion3_1: the first with bfloat
	storageShared     = 0         // MTLResourceStorageModeShared
	statusCompleted   = 4         // MTLCommandBufferStatusCompleted

	// MTLCommandBufferError, after which a device does nothing more for this process or at all.
	errorTimeout       = 2
	errorPageFault     = 3
	errorAccessRevoked = 4 // formerly blacklisted
	errorDeviceRemoved = 11
)

var (
	copyAllDevices      func() objc.ID
	createDefaultDevice func() objc.ID
)

// Selectors.
var (
	selNew                = objc.RegisterName("new")
	selRetain             = objc.RegisterName("retain")
	selRelease            = objc.RegisterName("release")
	selDrain              = objc.RegisterName("drain")
	selCount              = objc.RegisterName("count")
	selObjectAtIndex      = objc.RegisterName("objectAtIndex:")
	selName               = objc.RegisterName("name")
	selCode               = objc.RegisterName("code")
	selUTF8String         = objc.RegisterName("UTF8String")
	selStringWithUTF8     = objc.RegisterName("stringWithUTF8String:")
	selFileURLWithPath    = objc.RegisterName("fileURLWithPath:")
	selLocalizedDescr     = objc.RegisterName("localizedDescription")
	selSupportsFamily     = objc.RegisterName("supportsFamily:")
	selMaxGroupMemory     = objc.RegisterName("maxThreadgroupMemoryLength")
	selMaxBuffer          = objc.RegisterName("maxBufferLength")
	selWorkingSet         = objc.RegisterName("recommendedMaxWorkingSetSize")
	selAllocated          = objc.RegisterName("currentAllocatedSize")
	selNewBuffer          = objc.RegisterName("newBufferWithLength:options:")
	selNewBufferNoCopy    = objc.RegisterName("newBufferWithBytesNoCopy:length:options:deallocator:")
	selContents           = objc.RegisterName("contents")
	selNewLibrarySource   = objc.RegisterName("newLibraryWithSource:options:error:")
	selNewLibraryURL      = objc.RegisterName("newLibraryWithURL:error:")
	selSetLanguageVersion = objc.RegisterName("setLanguageVersion:")
	selSetFastMath        = objc.RegisterName("setFastMathEnabled:")
	selNewFunction        = objc.RegisterName("newFunctionWithName:")
	selNewPipeline        = objc.RegisterName("newComputePipelineStateWithFunction:error:")
	selMaxThreads         = objc.RegisterName("maxTotalThreadsPerThreadgroup")
	selExecutionWidth     = objc.RegisterName("threadExecutionWidth")
	selNewQueue           = objc.RegisterName("newCommandQueue")
	selCommandBuffer      = objc.RegisterName("commandBuffer")
	selEncoder            = objc.RegisterName("computeCommandEncoder")
	selSetPipeline        = objc.RegisterName("setComputePipelineState:")
	selSetBuffer          = objc.RegisterName("setBuffer:offset:atIndex:")
	selDispatchGroups     = objc.RegisterName("dispatchThreadgroups:threadsPerThreadgroup:")
	selEndEncoding        = objc.RegisterName("endEncoding")
	selCommit             = objc.RegisterName("commit")
	selWait               = objc.RegisterName("waitUntilCompleted")
	selStatus             = objc.RegisterName("status")
	selError              = objc.RegisterName("error")
	selGPUStart           = objc.RegisterName("GPUStartTime")
	selGPUEnd             = objc.RegisterName("GPUEndTime")
)

// openFrameworks loads Metal. Foundation does not come with it on every macOS, and finding devices needs CoreGraphics in programs
// without windows.
func openFrameworks() error {
	var metal uintptr
	for _, name := range []string{"Foundation", "CoreGraphics", "Metal"} {
		h, err := purego.Dlopen("/System/Library/Frameworks/"+name+".framework/"+name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
		if err != nil {
			return fmt.Errorf("metal: %w", err)
		}
		metal = h
	}
	for name, f := range map[string]*func() objc.ID{"MTLCopyAllDevices": &copyAllDevices, "MTLCreateSystemDefaultDevice": &createDefaultDevice} {
		symbol, err := purego.Dlsym(metal, name)
		if err != nil {
			return fmt.Errorf("metal: %w", err)
		}
		purego.RegisterFunc(f, symbol)
	}
	return nil
}

// pooled runs f inside an autorelease pool, which belongs to an OS thread.
func pooled(f func() error) error {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	pool := objc.ID(objc.GetClass("NSAutoreleasePool")).Send(selNew)
	defer pool.Send(selDrain)
	return f()
}

// nsString is an autoreleased NSString.
func nsString(s string) objc.ID { return objc.ID(objc.GetClass("NSString")).Send(selStringWithUTF8, s) }

func goString(s objc.ID) string {
	if s == 0 {
		return ""
	}
	return objc.Send[string](s, selUTF8String)
}

// nsError is an NSError's text.
func nsError(e objc.ID) error {
	if e == 0 {
		return errors.New("Metal does not say why")
	}
	return fmt.Errorf("%s (code %d)", goString(e.Send(selLocalizedDescr)), objc.Send[int64](e, selCode))
}
